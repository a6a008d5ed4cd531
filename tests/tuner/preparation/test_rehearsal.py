"""A rehearsal: what trains is let through, what cannot is refused, and the tuner survives either."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError
from tests.tuner.training.probes import IN_MEMORY
from tuner.preparation.prepare import prepare
from tuner.preparation.rehearsing import rehearse
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending
from tuner.training.fitting.fit import fit
from tuner.training.messages import Rehearsed
from tuner.training.resuming.exactness import INEXACT
from tuner.workers.processes.executor import HANGING

pytestmark = IN_MEMORY

MODULES = "tests.tuner.rehearsed_modules"


def rehearsed(
    module: str, init_args: dict[str, Any] | None = None, stop: threading.Event | None = None, **sections: Any
) -> Rehearsed | None:
    """Rehearse a study of a module."""
    trainer = {"max_epochs": 20, "accelerator": "cpu", **sections.pop("trainer", {})}
    study = {
        "study": {"name": "rehearsed", "metric": "val_loss", **sections.pop("study", {})},
        "trainer": trainer,
        "model": {"class_path": f"{MODULES}.{module}", "init_args": init_args or {}},
        "space": {"add": {"trainer.gradient_clip_val": {"choices": [1.0, 2.0]}}},
        **sections,
    }
    file = parse_study_file(yaml.safe_dump(study), source="study.yaml")
    return rehearse(file, prepare(file), stop)


ACCEPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "a warm-up that reads max_epochs": ("Warming", {}),
    "a metric of the whole validation set": ("Whole", {}),
    "a metric of the whole set, within an epoch": ("Whole", {"val_check_interval": 0.5}),
    "a metric logged behind the epoch": ("Late", {}),
    "a metric logged seldom": ("Seldom", {}),
    "seldom validations": ("Whole", {"check_val_every_n_epoch": 7}),
    "validations by the clock": ("Whole", {"val_check_interval": "00:01:00:00", "min_epochs": 3}),
    "validations by batches": ("Whole", {"val_check_interval": 5, "check_val_every_n_epoch": None}),
    "an epoch without an end": ("WithoutLength", {"max_epochs": 1}),
    "steps without an end": ("WithoutLength", {"max_epochs": -1, "max_time": "00:01:00:00"}),
    "accumulated gradients": ("Whole", {"accumulate_grad_batches": 4}),
    "a sanity check": ("Whole", {"num_sanity_val_steps": -1}),
    "one name of two metrics, validated in each epoch": ("TwoKinds", {}),
    "one name of two metrics, never validated": ("TwoKinds", {"check_val_every_n_epoch": 30}),
    "a last epoch": ("Whole", {"max_epochs": 1}),
    "a few steps": ("Whole", {"max_steps": 40, "max_epochs": -1}),
}


@pytest.mark.parametrize("name", list(ACCEPTED))
def test_what_trains_is_not_refused(name: str) -> None:
    """The trainer section is what it will be in a trial, however long its epochs are."""
    module, trainer = ACCEPTED[name]
    if module == "Warming":
        assert rehearsed(module) is not None
    else:
        assert rehearsed(module, trainer=trainer) is not None


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no validation": ("Whole", {"trainer": {"limit_val_batches": 0}}, "study.metric: The metric 'val_loss'"),
    "a name with a mistake": (
        "Seldom",
        {"study": {"metric": "val_los"}},
        "which logs val_loss; set study.metric",
    ),
    "a metric of single batches": (
        "PerBatch",
        {"study": {"metric": "of_batch"}},
        "for single batches only, and a score is the value of a whole epoch",
    ),
    "a metric of single batches of a validation": (
        "PerBatchOfValidation",
        {},
        r"val_loss' is logged by PerBatchOfValidation for single batches only, .* on_epoch=True",
    ),
    "a name with a mistake, of single batches": (
        "PerBatchOfValidation",
        {"study": {"metric": "val_los"}},
        "which logs only val_loss, for single batches; log it with self.log",
    ),
    "one name of two metrics": (
        "TwoKinds",
        {"trainer": {"check_val_every_n_epoch": 2}},
        "an epoch ends before the first validation; log the two under two names",
    ),
    "a metric without a logger": (
        "Whole",
        {"trainer": {"barebones": True}},
        "trainer.barebones logs nothing; remove barebones",
    ),
    "a decay that needs a length": (
        "WithoutLength",
        {
            "trainer": {
                "max_epochs": 2,
                "callbacks": [
                    {"class_path": "tuner.callbacks.DecayTimescale", "init_args": {"timescale": 2.0}}
                ],
            }
        },
        "DecayTimescale needs to know the steps of an epoch",
    ),
    "an L1 with a step that nobody knows": (
        "Whole",
        {
            "optimizer": {"class_path": "torch.optim.Adafactor"},
            "trainer": {
                "callbacks": [{"class_path": "tuner.callbacks.ProximalL1", "init_args": {"strength": 1.0}}]
            },
        },
        "but got Adafactor; choose one of these",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_train_is_refused(name: str) -> None:
    """No limit is invented by which data get a length, or a validation."""
    module, sections, said = REFUSED[name]
    with pytest.raises(StudyFileError, match=said):
        rehearsed(module, **sections)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exit", "a few steps of training ended with SystemExit: 0"),
        ("exit at once", "is gone: its process exited with 0 in the middle of the training"),
        ("interrupt", "a few steps of training ended with KeyboardInterrupt"),
        ("crash", "is gone: its process was ended by SIGSEGV"),
        ("memory", "a few steps of training ended with MemoryError: no more"),
    ],
)
def test_a_module_that_ends_its_process_does_not_end_the_tuner(does: str, said: str) -> None:
    """Whatever ends the process of a rehearsal is told in one sentence."""
    with pytest.raises(StudyFileError, match=rf"study\.yaml: model: .*{said}"):
        rehearsed("Acting", {"does": does})


@pytest.mark.parametrize("does", ["deaf", "move", "close", "talk"])
def test_what_a_module_does_to_its_process_is_not_done_to_the_tuner(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signals, the working directory and the output are those of before."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGINT), os.fstat(1).st_ino
    assert rehearsed("Acting", {"does": does}) is not None
    assert (signal.getsignal(signal.SIGINT), os.fstat(1).st_ino) == before
    assert Path.cwd() == tmp_path
    assert sum(file.stat().st_size for file in tmp_path.rglob("*")) < 100_000


def test_a_rehearsal_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a first batch it is refused; where only the validation has no end, that is announced."""
    monkeypatch.setattr("tuner.workers.processes.executor.HANGING", 6.0)
    with pytest.raises(StudyFileError, match=r"had trained no batch after 6 s; .* give --no-rehearsal"):
        rehearsed("Acting", {"does": "wait"})
    seen = rehearsed("Acting", {"does": "wait", "in_validation": True})
    assert seen is not None
    assert "had not come to the end of a validation" in seen.remark


def test_an_interrupted_rehearsal_ends_at_once() -> None:
    """A stop ends a step that never ends, and nothing is said of the study."""
    stop = threading.Event()
    threading.Timer(2.0, stop.set).start()
    began = time.monotonic()
    assert rehearsed("Acting", {"does": "wait"}, stop) is None
    assert time.monotonic() - began < HANGING


def test_epochs_that_nobody_can_count_are_no_limit() -> None:
    """A budget in epochs is refused where validations cannot be turned into epochs."""
    trainer = {"max_epochs": -1, "max_steps": 9, "val_check_interval": 3, "check_val_every_n_epoch": None}
    with pytest.raises(StudyFileError, match=r"study\.epochs: cannot be counted"):
        rehearsed("WithoutLength", trainer=trainer, study={"epochs": 5.0})
    seen = rehearsed("WithoutLength", trainer={"max_epochs": -1, "max_time": "00:01:00:00"})
    assert seen is not None
    assert "No trial is pruned" in seen.remark


def test_what_cannot_be_resumed_exactly_is_said_beforehand() -> None:
    """The reasons that only the loaders show are known before the first trial."""
    seen = rehearsed("Persistent", trainer={"max_time": "00:01:00:00"})
    assert seen is not None
    assert [reason.split()[0] for reason in seen.inexact] == ["trainer.max_time", "persistent_workers"]


def test_a_state_that_cannot_be_saved_ends_no_training(tmp_path: Path) -> None:
    """The rehearsal says so beforehand, and a trial that could not be resumed is trained to its end."""
    seen = rehearsed("Unsaved")
    assert seen is not None
    assert "cannot be saved (TypeError: cannot pickle" in seen.inexact[0]
    configuration = {"trainer": {"max_epochs": 3}, "model": {"class_path": f"{MODULES}.Unsaved"}}
    task = Assignment(
        configuration, 1, Objective("val_loss"), checkpoint=str(tmp_path / "state.ckpt"), every=0.0
    )
    end = fit(task, lambda *_: False)
    assert (end.ending, len(end.scores)) == (Ending.COMPLETED, 3)
    assert "cannot be saved" in end.facts[INEXACT][0]


def test_what_a_module_makes_writes_to_no_folder_that_trials_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint callback of `configure_callbacks` has a folder of its own in each trial."""
    monkeypatch.chdir(tmp_path)
    assert rehearsed("Keeping") is not None
    assert not list(tmp_path.rglob("*.ckpt"))
    configuration = {
        "trainer": {"max_epochs": 1, "enable_checkpointing": True},
        "model": {"class_path": f"{MODULES}.Keeping"},
    }
    for number in range(2):
        place = tmp_path / "study" / f"trial-{number}"
        fit(Assignment(configuration, number, Objective("val_loss"), place=place), lambda *_: False)
    written = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.ckpt"))
    assert written == ["shared/study/trial-0/last.ckpt", "shared/study/trial-1/last.ckpt"]


COUNTED = {"class_path": f"{MODULES}.Counted", "init_args": {"project": "mine"}}
LOCAL = {"class_path": "CSVLogger", "init_args": {"save_dir": "logs"}}


@pytest.mark.parametrize("logger", [COUNTED, [LOCAL, COUNTED]])
def test_a_rehearsal_leaves_no_run_on_a_server(
    logger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logger that may write elsewhere than into a folder is not made, and that is said."""
    monkeypatch.chdir(tmp_path)
    seen = rehearsed("Logging", trainer={"logger": logger, "log_every_n_steps": 1})
    assert seen is not None
    assert seen.remark.startswith("Counted was not tried in the rehearsal, which leaves no run behind; ")
    assert list(tmp_path.iterdir()) == []


def test_a_logger_that_is_not_made_has_its_arguments_checked() -> None:
    """What is wrong with them is refused as ever."""
    wrong = {"class_path": f"{MODULES}.Counted", "init_args": {"projekt": "mine"}}
    with pytest.raises(StudyFileError, match="projekt"):
        rehearsed("Logging", trainer={"logger": wrong})
