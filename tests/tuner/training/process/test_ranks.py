"""Trainings on several devices: one trial, whose score is that of all its ranks."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tuner.small_modules import Small
from tests.tuner.training.by_processes import FunctionLine, train
from tuner.data import load_batches
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import End, Ending, Fit, Raised
from tuner.training.process.ranks import alone_among, for_ranks, on_one_device, on_the_cpu, without_gpu
from tuner.training.resuming.exactness import INEXACT


class OwnRanked(Small):
    """A module that logs its rank, and is wrong on one of them where it is told to be."""

    def __init__(self, raises: bool = False) -> None:  # noqa: FBT001, FBT002 - LightningCLI gives it by name
        super().__init__()
        self.raises = raises

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Raise on the last rank."""
        if self.raises and self.global_rank == 1:
            raise ZeroDivisionError("the mistake of rank 1")
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log one more than the rank, and forget to synchronize it."""
        self.log("val_loss", torch.tensor(1.0 + self.global_rank))

    def val_dataloader(self) -> object:
        """Give one batch."""
        return load_batches(torch.ones(2, 2), batch_size=2)


def run(folder: Path, strategy: str, report: Any = lambda *_: False, **init_args: Any) -> End:
    """Train on two devices of the CPU."""
    configuration = {
        "trainer": {"max_epochs": 3, "accelerator": "cpu", "devices": 2, "strategy": strategy},
        "model": {"class_path": f"{__name__}.OwnRanked", "init_args": init_args},
    }
    task = Assignment(
        configuration, seed=1, objective=Objective("val_loss"), threads=1, keep=folder / "kept.ckpt"
    )
    return train(replace(task, log=folder / "log", ranks=2), FunctionLine(report))


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn", "ddp_fork"])
def test_ranks_are_one_trial(tmp_path: Path, strategy: str) -> None:
    """Each validation is heard once, its score is the mean of the ranks, and one file holds the weights."""
    heard: list[tuple[int, float]] = []
    end = run(tmp_path, strategy, lambda *said: heard.append(said) is not None)
    assert isinstance(end, Fit), (end, (tmp_path / "log").read_text())
    assert (end.ending, end.score) == (Ending.COMPLETED, 1.5)
    assert heard == [(1, 1.5), (2, 1.5), (3, 1.5)]
    assert (tmp_path / "kept.ckpt").exists()


def test_ranks_stop_together(tmp_path: Path) -> None:
    """A trial that is pruned ends on every rank, behind the validation that decided."""
    end = run(tmp_path, "ddp", lambda step, _: step == 2)
    assert isinstance(end, Fit)
    assert (end.ending, end.scores) == (Ending.STOPPED, (1.5, 1.5))


def test_the_rank_that_failed_says_why(tmp_path: Path) -> None:
    """An error on one rank ends them all, and it is not the others' loss of it that is told."""
    end = run(tmp_path, "ddp", raises=True)
    assert isinstance(end, Raised)
    assert end.cause == "ZeroDivisionError: the mistake of rank 1"


def test_ranks_leave_together_and_go_on(tmp_path: Path) -> None:
    """A trial on two devices leaves a checkpoint from which two go on, and repeats no epoch."""
    configuration = {
        "trainer": {"max_epochs": 3, "accelerator": "cpu", "devices": 2, "strategy": "ddp"},
        "model": {"class_path": "tests.tuner.small_modules.Small"},
    }
    task = Assignment(configuration, seed=1, objective=Objective("val_loss"), threads=1, ranks=2)
    whole = train(replace(task, log=tmp_path / "0"))
    assert isinstance(whole, Fit)
    stop = threading.Event()
    left = replace(task, checkpoint=str(tmp_path / "left.ckpt"))

    def scored(step: int, score: float) -> bool:
        stop.set()
        return False

    first = train(replace(left, log=tmp_path / "1"), FunctionLine(scored, stop=stop, grace=60.0))
    assert isinstance(first, Fit)
    assert first.ending is Ending.INTERRUPTED
    known: dict[int, float] = {}
    again = replace(task, resume=str(tmp_path / "left.ckpt"))
    end = train(replace(again, log=tmp_path / "2"), FunctionLine(known=known.update))
    assert isinstance(end, Fit)
    assert end.scores == whole.scores
    assert tuple(known.values()) == first.scores != ()


def test_ranks_go_on_where_their_state_cannot_be_stored(tmp_path: Path) -> None:
    """Only one of them writes, and the others do not wait for it in vain."""
    (tmp_path / "a-file").touch()
    configuration = {
        "trainer": {"max_epochs": 3, "accelerator": "cpu", "devices": 2, "strategy": "ddp"},
        "model": {"class_path": "tests.tuner.small_modules.Small"},
    }
    place = str(tmp_path / "a-file" / "state.ckpt")
    task = Assignment(
        configuration, seed=1, objective=Objective("val_loss"), threads=1, checkpoint=place, every=0.0
    )
    end = train(replace(task, log=tmp_path / "log", ranks=2))
    assert isinstance(end, Fit), (end, (tmp_path / "log").read_text())
    assert end.ending is Ending.COMPLETED
    assert "could not be stored" in end.facts[INEXACT][0]


def trainer(**keys: Any) -> dict[str, Any]:
    """Write a configuration of a trainer."""
    return {"trainer": keys}


def test_what_needs_ranks_is_read_from_the_trainer() -> None:
    """A strategy that would start processes is named by one that does not, and one device needs none."""
    several = trainer(devices=2, strategy="ddp_spawn_find_unused_parameters_true")
    assert for_ranks(several, 2)["trainer"]["strategy"] == "ddp_find_unused_parameters_true"
    for devices in (2, [0, 1], "0,1", -1):
        assert on_one_device(trainer(devices=devices, strategy="ddp")) == trainer(devices=1, strategy="auto")
    assert on_one_device(trainer(devices=1, strategy="ddp")) == trainer(devices=1, strategy="ddp")


def test_what_was_trained_on_gpus_is_made_without_them() -> None:
    """To predict takes the module only, so nothing is asked of the machine that trained it."""
    given = trainer(accelerator="gpu", devices=[0, 1], strategy="ddp", precision="16-mixed", max_epochs=3)
    assert on_the_cpu(given) == trainer(accelerator="cpu", devices=1, max_epochs=3)


def test_a_trial_that_was_given_a_gpu_never_trains_on_the_cpu_instead() -> None:
    """Lightning's `auto` would, without a word."""
    said = without_gpu(trainer(), "GPU-5d5ba0d6", 0)
    assert said.startswith("--gpus GPU-5d5ba0d6: PyTorch sees no such GPU")
    assert without_gpu(trainer(), "0", 1) == without_gpu(trainer(), None, 0) == ""
    assert without_gpu(trainer(accelerator="cpu"), "0", 0) == ""


@pytest.mark.parametrize("given", [{}, {"devices": "auto"}, {"devices": None}])
def test_lightning_never_chooses_the_number_of_devices(given: dict[str, Any]) -> None:
    """A section without a number trains on one device, and among several GPUs a sentence says so."""
    assert for_ranks(trainer(**given), 1) == on_one_device(trainer(**given)) == trainer(devices=1)
    assert "one of the 4 GPUs" in alone_among(trainer(**given), 4)
    assert "`devices: 4` trains on all" in alone_among(trainer(**given), 4)
    assert alone_among(trainer(**given), 1) == ""
    assert alone_among(trainer(**given, accelerator="cpu"), 4) == ""
    assert alone_among(trainer(devices=2), 4) == ""
