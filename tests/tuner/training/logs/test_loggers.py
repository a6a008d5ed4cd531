"""Loggers that a study names write for each trial apart."""

from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import Trainer

from studies.definition.study_file import parse_study_file
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY, QUIET
from tuner.preparation.prepare import prepare
from tuner.preparation.rehearsing import rehearse
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import fit
from tuner.training.logs.loggers import at_place

pytestmark = IN_MEMORY

CSV = "pytorch_lightning.loggers.CSVLogger"
MONITOR = "pytorch_lightning.callbacks.LearningRateMonitor"  # which needs a logger


def configuration(**trainer: Any) -> dict[str, Any]:
    """Write a fit of two epochs."""
    return {
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "log_every_n_steps": 1, **trainer},
        "model": {"class_path": "tests.tuner.small_modules.Small"},
    }


def test_two_trials_write_two_logs(tmp_path: Path) -> None:
    """Each has the curve of its own training, whether or not the study says where logs go."""
    for number, init_args in [(0, {}), (1, {}), (2, {"save_dir": str(tmp_path / "mine"), "name": "all"})]:
        named = configuration(logger={"class_path": CSV, "init_args": init_args})
        place = tmp_path / "small" / f"trial-{number}"
        fit(Assignment(named, seed=number, objective=Objective("val_loss"), place=place), lambda *_: False)
    written = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("metrics.csv"))
    assert written == [
        "mine/small/trial-2/all/version_0/metrics.csv",
        "small/trial-0/lightning_logs/version_0/metrics.csv",
        "small/trial-1/lightning_logs/version_0/metrics.csv",
    ]


def test_a_rehearsal_writes_no_log(tmp_path: Path) -> None:
    """The batch that is trained before a study is made leaves nothing where the study's logs go."""
    named = {"class_path": CSV, "init_args": {"save_dir": str(tmp_path / "logs")}}
    text = yaml.safe_dump(
        {
            "study": {"name": "logging", "metric": "val_loss"},
            **configuration(logger=[named], callbacks=[{"class_path": MONITOR}]),
            "space": {"add": {"model.init_args.width": {"choices": [2, 4]}}},
        }
    )
    file = parse_study_file(text, source="logging.yaml")
    rehearse(file, prepare(file))
    assert list(tmp_path.iterdir()) == []


def test_a_run_on_a_server_is_called_after_its_trial() -> None:
    """On a server a trial's run is found by study and number, and stands in the group of its study."""
    named = configuration(logger=[{"class_path": "pytorch_lightning.loggers.WandbLogger"}])
    (logger,) = at_place(named, Path("runs/digits/trial-3"))["trainer"]["logger"]
    assert logger["init_args"] == {"name": "digits-trial-3", "group": "digits"}


def test_loggers_are_given_the_number_that_hides_later_rows() -> None:
    """Lightning's private number by which rows of TensorBoard are hidden is the step of the next batch."""
    trainer = Trainer(**QUIET, max_epochs=3)
    trainer.fit(Small())
    assert trainer.fit_loop.epoch_loop._batches_that_stepped == 6
