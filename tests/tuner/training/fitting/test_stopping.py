"""A stop that somebody asks for ends a fit at once and in order."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from tests.tuner.training.odd_modules import OwnNet
from tests.tuner.training.probes import IN_MEMORY
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending
from tuner.training.fitting.fit import fit

pytestmark = [
    IN_MEMORY,
    pytest.mark.filterwarnings("ignore:`.fit\\(ckpt_path=None\\)` was called", "ignore:.*no last checkpoint"),
]

HEARD: list[str] = []  # what the classes below have heard, of the fit that runs
CALLBACKS = "pytorch_lightning.callbacks"


class OwnHearing(Callback):
    """Notes what a callback hears of a fit."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note a batch that begins."""
        HEARD.append("batch")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note a validation that begins."""
        HEARD.append("validation")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Note an exception."""
        HEARD.append(f"exception {exception!r}")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the end of the training."""
        HEARD.append("train end")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the end of the fit."""
        HEARD.append("fit end")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Note the end of it all."""
        HEARD.append("teardown")


class OwnLogger(CSVLogger):
    """Notes how a fit ended, as the logger of a tracking server does."""

    def finalize(self, status: str) -> None:
        """Note the status."""
        super().finalize(status)
        HEARD.append(status)


class OwnDiverging(OwnNet):
    """Its loss is no number in the second epoch, or one that is too large to be one."""

    def loss(self, batch: Any) -> Tensor:
        """Spoil the loss in training."""
        loss = super().loss(batch)
        return loss * math.nan if self.training and self.current_epoch == 1 else loss


IN_ORDER = ["train end", "fit end", "teardown", "success"]


def task(
    place: Path,
    data: str = "map",
    model: str = "OwnNet",
    *,
    net: dict[str, Any] | None = None,
    **trainer: Any,
) -> Assignment:
    """Describe a fit that would be long, with everything that hears how it ends."""
    module = __name__ if model == "OwnDiverging" else "tests.tuner.training.odd_modules"
    callbacks = [
        {"class_path": f"{__name__}.OwnHearing"},
        {
            "class_path": f"{CALLBACKS}.OnExceptionCheckpoint",
            "init_args": {"dirpath": str(place / "exceptions")},
        },
    ]
    logger = {"class_path": f"{__name__}.OwnLogger", "init_args": {"save_dir": str(place)}}
    configuration = {
        "trainer": {
            "max_epochs": 50,
            "accelerator": "cpu",
            "log_every_n_steps": 1,
            "callbacks": callbacks,
            "logger": logger,
            **trainer,
        },
        "model": {"class_path": f"{module}.{model}", "init_args": net or {}},
        "data": {"class_path": "tests.tuner.training.odd_modules.OwnData", "init_args": {"kind": data}},
    }
    return Assignment(configuration, 3, Objective("score"), place=place / "study" / "trial-0", facts=False)


LONG: dict[str, dict[str, Any]] = {
    "each epoch": {},
    "min_epochs": {"min_epochs": 20},
    "min_steps": {"min_steps": 200},
    "mid-epoch": {"val_check_interval": 2},
    "mid-epoch and min_epochs": {"val_check_interval": 0.4, "min_epochs": 20},
    "across epochs": {"check_val_every_n_epoch": None, "val_check_interval": 7, "min_steps": 200},
    "max_time": {"max_time": {"hours": 1}},
    "max_steps": {"max_steps": 300, "min_steps": 200},
    "manual optimization": {"net": {"optimizer": "manual"}, "min_epochs": 20},
    "data without a length": {"data": "iterable", "val_check_interval": 2, "min_epochs": 20},
    "metric of training": {"net": {"metric": "train_end"}, "min_epochs": 20},
    "no validation": {"net": {"metric": "train"}, "limit_val_batches": 0, "min_epochs": 20},
    "sanity check": {"num_sanity_val_steps": 1},
}


@pytest.mark.parametrize("case", LONG)
def test_a_pruned_fit_trains_and_validates_nothing_more(tmp_path: Path, case: str) -> None:
    """Whatever a trainer's minimum is, no batch and no validation follows, and all hear of a success."""
    HEARD.clear()
    until = 0

    def report(step: int, score: float) -> bool:
        nonlocal until
        until = len(HEARD)
        return step >= 2

    end = fit(task(tmp_path, **LONG[case]), report)
    assert (end.ending, len(end.scores)) == (Ending.STOPPED, 2)
    last = [said for said in HEARD[until:] if said != "batch"]
    assert last == IN_ORDER
    # A batch that is fetched before Lightning asks whether to stop is begun by no callback behind ours.
    assert HEARD[until:].count("batch") == 0
    assert list(tmp_path.rglob("*.ckpt")) == []


@pytest.mark.parametrize("case", ["each epoch", "mid-epoch and min_epochs", "data without a length"])
@pytest.mark.parametrize("calls", [1, 6, 13])
def test_an_interrupted_fit_ends_in_order(tmp_path: Path, case: str, calls: int) -> None:
    """No exception is heard, and what an interrupted epoch or validation has made so far is no score."""
    HEARD.clear()
    asked = until = 0

    def time_left() -> float | None:
        nonlocal asked, until
        asked += 1
        until = len(HEARD)
        return 0.0 if asked >= calls else None

    end = fit(task(tmp_path, **LONG[case]), lambda *_: False, time_left)
    assert end.ending is Ending.INTERRUPTED
    assert HEARD[-4:] == IN_ORDER
    assert len(end.scores) <= HEARD.count("validation")
    assert HEARD[until:] == IN_ORDER
    assert list(tmp_path.rglob("*.ckpt")) == []


@pytest.mark.parametrize("case", ["each epoch", "mid-epoch and min_epochs", "max_steps"])
def test_a_diverged_fit_ends_in_order(tmp_path: Path, case: str) -> None:
    """The batch that shows it is the last, and a broken epoch is not validated."""
    HEARD.clear()
    end = fit(task(tmp_path, model="OwnDiverging", **LONG[case]), lambda *_: False)
    assert end.ending is Ending.DIVERGED
    assert "training loss was nan" in end.cause
    assert HEARD.count("batch") == 5 + 1
    assert HEARD[-4:] == IN_ORDER
    assert HEARD[-5] == "batch"


def test_an_error_behind_the_stop_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that was pruned stays pruned where the user's own code fails at the end."""
    monkeypatch.setattr(OwnNet, "on_train_end", lambda _: 1 / 0, raising=False)
    assert fit(task(tmp_path), lambda *_: True).ending is Ending.STOPPED
    with pytest.raises(ZeroDivisionError):
        fit(task(tmp_path, max_epochs=1), lambda *_: False)


def test_a_trial_never_resumes_from_the_file_of_another(tmp_path: Path) -> None:
    """A folder that another study of the same name has left is set aside, with its OnExceptionCheckpoint."""
    first = task(tmp_path, max_epochs=2)
    broken = replace(
        first, configuration={**first.configuration, "model": {"class_path": f"{__name__}.OwnFailing"}}
    )
    with pytest.raises(ZeroDivisionError):
        fit(broken, lambda *_: False)
    (left,) = tmp_path.rglob("on_exception.ckpt")
    assert left.parent.name == "trial-0"
    alone = fit(task(tmp_path / "elsewhere", max_epochs=2), lambda *_: False)
    assert fit(first, lambda *_: False).scores == alone.scores
    assert [path.parent.name for path in tmp_path.rglob("on_exception.ckpt")] == ["trial-0.earlier-1"]


class OwnFailing(OwnNet):
    """Fails in its second epoch."""

    def on_train_epoch_start(self) -> None:
        """Raise."""
        if self.current_epoch == 1:
            raise ZeroDivisionError("the mistake")


def test_the_loop_takes_a_stop_iteration_for_its_end(tmp_path: Path) -> None:
    """What the stop relies on: Lightning's loops end in order where a hook raises StopIteration."""

    class Leaving(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
            if trainer.global_step == 2:
                raise StopIteration

        def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            if trainer.current_epoch == 1:
                raise StopIteration

    module = OwnNet()
    from tests.tuner.training.odd_modules import OwnData

    trainer = Trainer(
        max_epochs=9, accelerator="cpu", callbacks=[Leaving()], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, datamodule=OwnData())
    assert (trainer.global_step, trainer.state.finished) == (2, True)
    assert torch.is_grad_enabled()
