"""A score is a fresh and complete value of the metric."""

from pathlib import Path
from typing import Any

import pytest

from tests.tuner.training.odd_modules import OwnNet
from tests.tuner.training.probes import IN_MEMORY
from tuner.training.errors import MetricNotLogged
from tuner.training.fit import fit
from tuner.training.task import Fit, Task

pytestmark = [IN_MEMORY, pytest.mark.filterwarnings("ignore:You are trying to `self.log:UserWarning")]


def train(metric: str, *, wanted: str = "score", model: str = "OwnNet", **trainer: Any) -> Fit:
    """Train some epochs with a metric that is logged in one way."""
    home = __name__ if model != "OwnNet" else "tests.tuner.training.odd_modules"
    configuration = {
        "trainer": {"max_epochs": 7, "accelerator": "cpu", **trainer},
        "model": {"class_path": f"{home}.{model}", "init_args": {"metric": metric}},
        "data": {"class_path": "tests.tuner.training.odd_modules.OwnData"},
    }
    return fit(Task(configuration, 3, wanted, facts=False), lambda *_: False)


# how the metric is logged, the trainer -> the numbers of its scores
NUMBERED: list[tuple[str, dict[str, Any], list[int]]] = [
    ("third", {}, [1, 4, 7]),
    ("third", {"val_check_interval": 2}, [1, 4, 7, 10, 13]),
    ("val", {"check_val_every_n_epoch": 3}, [1, 2]),
    ("val", {"val_check_interval": 2, "max_epochs": 2}, [1, 2, 3, 4]),
    ("train", {}, [1, 2, 3, 4, 5, 6, 7]),
    ("train", {"val_check_interval": 2, "max_epochs": 3}, [2, 4, 6]),
    ("train_end", {"limit_val_batches": 0}, [1, 2, 3, 4, 5, 6, 7]),
    ("train_end", {"check_val_every_n_epoch": 3}, [1, 2, 3, 4, 5, 6, 7]),
    ("both", {}, [1, 2, 3, 4, 5, 6, 7]),
    ("torchmetrics", {"num_sanity_val_steps": 2}, [1, 2, 3, 4, 5, 6, 7]),
]


@pytest.mark.parametrize(("metric", "trainer", "steps"), NUMBERED)
def test_a_score_is_numbered_by_the_validations_made(
    metric: str, trainer: dict[str, Any], steps: list[int]
) -> None:
    """No value is scored twice, and a pruner compares trials that have been validated equally often."""
    end = train(metric, **trainer)
    assert list(end.steps) == steps
    assert len(set(end.scores)) == len(end.scores)


@pytest.mark.parametrize("wanted", ["score", "score_epoch"])
def test_a_metric_of_training_is_the_mean_of_its_epoch(wanted: str, tmp_path: Path) -> None:
    """Where batches log it too, the last of them is no score."""
    end = train("train", wanted=wanted, model="OwnListing", max_epochs=2)
    batches = OwnListing.losses
    assert len(batches) == 10
    assert end.scores == pytest.approx([sum(batches[:5]) / 5, sum(batches[5:]) / 5], rel=1e-6)


class OwnListing(OwnNet):
    """Notes its losses."""

    losses: list[float] = []  # noqa: RUF012 - of the last training

    def on_train_start(self) -> None:
        """Forget those of another training."""
        self.losses.clear()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the loss."""
        self.losses.append(float(outputs["loss"]))


class OwnPerBatch(OwnNet):
    """Logs as `self.log` does by default in training: the single batch."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Log the loss."""
        loss = self.loss(batch)
        self.log("of_batch", loss)
        return loss


def test_the_value_of_a_single_batch_is_refused() -> None:
    """A sentence says how to log the whole epoch's value; the last batch is no score."""
    with pytest.raises(MetricNotLogged, match=r"for single batches only.*on_epoch=True\)\.$"):
        train("val", wanted="of_batch", model="OwnPerBatch")
    with pytest.raises(MetricNotLogged, match=r"for single batches only.*set study\.metric to score_epoch"):
        train("train", wanted="score_step")


@pytest.mark.parametrize(
    ("trainer", "sentence"),
    [
        ({}, r"'scor' is not logged by OwnNet in its first epoch, which logs score; set study\.metric"),
        ({"check_val_every_n_epoch": 2}, "in its first epoch, which logs score"),
        ({"limit_val_batches": 0}, "which logs nothing"),
        ({"check_val_every_n_epoch": 9}, "which logs nothing"),
        ({"barebones": True}, r"because trainer\.barebones logs nothing; remove barebones"),
    ],
)
def test_a_metric_that_is_never_logged_ends_the_first_epoch_with_a_sentence(
    trainer: dict[str, Any], sentence: str
) -> None:
    """The sentence names what is logged, as soon as a validation and an epoch have gone by."""
    with pytest.raises(MetricNotLogged, match=sentence):
        train("val", wanted="scor", **trainer)


def test_a_metric_of_two_kinds_is_refused_where_they_would_mix() -> None:
    """One name in training and validation is that of validation; what came before it cannot be taken back."""
    with pytest.raises(MetricNotLogged, match="log the two under two names"):
        train("both", check_val_every_n_epoch=2)
