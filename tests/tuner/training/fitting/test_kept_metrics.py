"""Metrics that a fit keeps beside its score, held against what plain Lightning writes to its CSV file."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Trainer, seed_everything

from tests.tuner.training.fitting.test_fit import configuration, never, task
from tests.tuner.training.probes import IN_MEMORY
from tuner.errors import MetricNotLogged
from tuner.training.configuration.assembly import assemble
from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS
from tuner.training.ends import Ending
from tuner.training.fitting.fit import fit
from tuner.training.fitting.rehearsal import rehearse
from tuner.training.messages import Unfit

pytestmark = IN_MEMORY

NAMES = ("val_error", "train_loss", "parameters", "epoch_seconds")


def rows_of_plain_lightning(folder: Path, trainer: dict[str, Any]) -> list[dict[str, str]]:
    """Train with `Trainer.fit` and Lightning's own logger, and give the rows of its file."""
    from pytorch_lightning.loggers import CSVLogger

    seed_everything(7, workers=True, verbose=False)
    made = assemble(configuration())
    plain = Trainer(**{**TRAINER_DEFAULTS, **trainer, "logger": CSVLogger(folder, version=0)})
    plain.fit(made.module, datamodule=made.data)
    with (folder / "lightning_logs" / "version_0" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("score", ["best", "last"])
@pytest.mark.parametrize("more", [{}, {"val_check_interval": 0.5}])
def test_metrics_are_those_of_the_validation_that_counts_and_of_its_epoch(
    score: str, more: dict[str, Any], tmp_path: Path
) -> None:
    """What is kept stands in the row of plain Lightning whose loss is the score."""
    trainer = {"max_epochs": 4, **more}
    rows = rows_of_plain_lightning(tmp_path, trainer)
    validated = [row for row in rows if row["val_loss"]]
    counts = min(validated, key=lambda row: float(row["val_loss"])) if score == "best" else validated[-1]
    (epoch,) = [row for row in rows if row["train_loss"] and row["epoch"] == counts["epoch"]]
    end = fit(task(configuration=configuration(trainer=trainer), score=score, metrics=NAMES), never)
    assert end.score == float(counts["val_loss"])
    assert end.metrics["val_error"] == float(counts["val_error"])
    assert end.metrics["train_loss"] == float(epoch["train_loss"])
    weights = assemble(configuration()).module.parameters()
    assert end.metrics["parameters"] == sum(weight.numel() for weight in weights)
    assert (end.metrics["epoch_seconds"] or 0) > 0


def test_a_fit_that_goes_on_keeps_the_same_metrics(tmp_path: Path) -> None:
    """An interruption changes none of them."""
    wanted = task(metrics=("val_error", "train_loss"), configuration=configuration(trainer={"max_epochs": 5}))
    whole = fit(wanted, never)
    file = str(tmp_path / "state.ckpt")
    calls = iter(range(100))
    left = fit(replace(wanted, checkpoint=file, every=0.0), never, lambda: 1e9 if next(calls) > 30 else None)
    assert left.ending is Ending.INTERRUPTED
    again = fit(replace(wanted, resume=file), never)
    assert again.scores == whole.scores
    assert again.metrics == whole.metrics


def test_a_module_beyond_the_limit_of_parameters_trains_no_step() -> None:
    """It ends before its first batch, and says how many it has."""
    end = fit(task(metrics=("parameters",), parameters=(0, 100)), never)
    assert end.ending is Ending.INFEASIBLE
    assert end.scores == ()
    assert end.metrics["parameters"] > 100
    assert "at most 100" in end.cause
    assert fit(task(metrics=("parameters",), parameters=(0, 1e9)), never).ending is Ending.COMPLETED


def test_a_metric_that_is_never_logged_is_named_by_the_fit_and_by_the_rehearsal() -> None:
    """A misspelt name ends a rehearsal, and a fit, with a sentence that lists what is logged."""
    wanted = task(metrics=("val_acuracy",))
    with pytest.raises(MetricNotLogged, match=r"'val_acuracy', which study.keep_metrics .* logs .*val_error"):
        fit(wanted, never)
    seen = rehearse(wanted, 60.0)
    assert isinstance(seen, Unfit)
    assert (seen.key, "'val_acuracy'" in seen.reason) == ("", True)
