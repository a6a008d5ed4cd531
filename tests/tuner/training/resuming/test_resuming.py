"""A fit that is left between two epochs and resumed ends as one that was never left, to the last bit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import LightningModule

from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.training.resuming.leaving import DIGITS, DRAWING, EPOCHS, leave_behind, never
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending, Fit
from tuner.training.fitting.fit import fit
from tuner.training.resuming.exactness import INEXACT, reasons_of_configuration, reasons_of_loaders

pytestmark = IN_MEMORY

ODD = "tests.tuner.training.odd_modules"


@pytest.mark.parametrize("configuration", [DIGITS, DRAWING], ids=["digits", "drawing"])
@pytest.mark.parametrize("leaves", [(1,), (2, 4)])
def test_a_resumed_fit_ends_as_an_uninterrupted_one(
    tmp_path: Path, configuration: dict[str, Any], leaves: tuple[int, ...]
) -> None:
    """Dropout, batch norm, shuffling, schedules: scores are equal bit by bit, and no epoch is repeated."""
    task = Assignment(configuration, seed=3, objective=Objective("val_loss"), keep=tmp_path / "whole.ckpt")
    whole = fit(task, never)
    per_epoch = len(whole.scores) // EPOCHS
    resume = None
    for number, epochs in enumerate(leaves):
        file = str(tmp_path / f"{number}.ckpt")
        left = leave_behind(epochs * per_epoch, replace(task, checkpoint=file, resume=resume))
        assert (left.ending, left.scores) == (Ending.INTERRUPTED, whole.scores[: epochs * per_epoch])
        resume = file
    heard: list[float] = []
    known: Sequence[float] = []

    def resumed(scores: Mapping[int, float]) -> None:
        nonlocal known
        known = list(scores.values())

    rest = replace(task, resume=resume, keep=tmp_path / "resumed.ckpt")
    end = fit(rest, lambda _, score: bool(heard.append(score)), resumed=resumed)  # type: ignore[func-returns-value]
    assert (*known, *heard) == end.scores == whole.scores
    assert len(known) == leaves[-1] * per_epoch
    assert end.score == whole.score
    first, second = (
        torch.load(tmp_path / name, weights_only=True)["state_dict"]
        for name in ("whole.ckpt", "resumed.ckpt")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_fit_that_cannot_reach_the_end_of_its_epoch_ends_at_once(tmp_path: Path) -> None:
    """Where the time left is shorter than the epoch, no more of it is trained."""
    task = Assignment(DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=str(tmp_path / "1.ckpt"))
    end = fit(task, never, lambda: 1e-9)
    assert (end.ending, end.scores) == (Ending.INTERRUPTED, ())
    assert list(tmp_path.iterdir()) == []


def left_and_resumed(task: Assignment, folder: Path, epochs: int) -> tuple[Fit, Fit]:
    """Leave a fit behind some epochs, as a validation is made in each, and go on."""
    file = str(folder / "state.ckpt")
    left = leave_behind(epochs, replace(task, checkpoint=file))
    return left, fit(replace(task, resume=file), never)


def odd(net: dict[str, Any] | None = None, data: str = "map", seed: int = 3, **trainer: Any) -> Assignment:
    """Describe a fit with the oddities of other people's modules."""
    configuration = {
        "trainer": {"max_epochs": EPOCHS, "accelerator": "cpu", **trainer},
        "model": {"class_path": f"{ODD}.OwnNet", "init_args": net or {}},
        "data": {"class_path": f"{ODD}.OwnData", "init_args": {"kind": data}},
    }
    return Assignment(configuration, seed, Objective("score"))


CALLBACKS = "pytorch_lightning.callbacks"
AVERAGING = {
    "class_path": f"{CALLBACKS}.StochasticWeightAveraging",
    "init_args": {"swa_lrs": 0.01, "swa_epoch_start": 2},
}
FINDER = {"class_path": f"{CALLBACKS}.LearningRateFinder", "init_args": {"num_training_steps": 4}}
HALF = {
    "class_path": "pytorch_lightning.plugins.precision.MixedPrecision",
    "init_args": {
        "precision": "16-mixed",
        "device": "cpu",
        "scaler": {
            "class_path": "torch.amp.GradScaler",
            "init_args": {"device": "cpu", "init_scale": 2.0**30, "growth_interval": 3},
        },
    },
}
RISING = {"monitor": "score", "patience": 0, "mode": "max"}
STOPPING = {"class_path": f"{CALLBACKS}.EarlyStopping", "init_args": RISING}

EXACT: dict[str, Assignment] = {
    "max_steps": odd(max_steps=23, max_epochs=-1),
    "max_steps and steps between validations": odd(
        max_steps=24, max_epochs=-1, check_val_every_n_epoch=None, val_check_interval=7
    ),
    "double precision": odd({"optimizer": "adam"}, precision="64-true"),
    "own generator of a data set": odd(data="noisy"),
    "generator of a sampler": odd(data="generator"),
    "several loaders": odd(data="several"),
    "manual optimization": odd({"optimizer": "manual"}),
    "a plateau that reads an old value": odd(
        {"schedule": "plateau"}, check_val_every_n_epoch=2, max_epochs=6
    ),
    "reloading": odd(data="noisy", reload_dataloaders_every_n_epochs=1),
    "averaging": odd({"optimizer": "adam", "schedule": "epoch"}, callbacks=[AVERAGING]),
    "a search for the learning rate": odd(callbacks=[FINDER]),
    "a stop that waits for min_epochs": odd(callbacks=[STOPPING], min_epochs=4, val_check_interval=2),
    "half precision, whose scale of the gradients falls and rises": odd(
        {"optimizer": "adam"}, plugins=[HALF]
    ),
    "metric of training": odd({"metric": "train"}, data="noisy"),
}


@pytest.mark.filterwarnings("ignore")  # what Lightning thinks of each section is not our subject
@pytest.mark.parametrize("case", EXACT)
def test_any_section_is_resumed_to_the_last_bit(tmp_path: Path, case: str) -> None:
    """Each of these ended otherwise in an earlier version, or is resumed otherwise by plain Lightning."""
    task = EXACT[case]
    whole = fit(task, never)
    for epochs in (1, 2):
        left, resumed = left_and_resumed(task, tmp_path, epochs)
        assert left.ending is Ending.INTERRUPTED
        assert (resumed.scores, resumed.steps) == (whole.scores, whole.steps)


class OwnCounting(LightningModule):
    """Counts its epochs in attributes of its own, of several kinds, and trains by them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.register_buffer("sum", torch.zeros(1), persistent=False)
        self.epochs, self.history, self.noise = 0, [1.0], np.random.default_rng(3)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Fit what the attributes say."""
        wanted = self.epochs + self.history[-1] + self.sum + self.noise.random()
        return (self.layer(batch).float() - wanted.float()).square().mean()

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        """Log the loss."""
        self.log("score", self.layer(batch).square().mean())

    def on_train_epoch_end(self) -> None:
        """Count."""
        self.epochs += 1
        self.history.append(self.history[-1] / 2)
        self.sum += 1

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose an optimizer."""
        return torch.optim.SGD(self.parameters(), lr=0.05)


def test_what_a_module_keeps_in_attributes_is_resumed(tmp_path: Path) -> None:
    """A counter, a list, a generator and a temporary buffer go on, although the module saves none of them."""
    task = odd()
    model = {"class_path": f"{__name__}.OwnCounting"}
    task = replace(task, configuration={**task.configuration, "model": model})
    whole = fit(task, never)
    _, resumed = left_and_resumed(task, tmp_path, 2)
    assert resumed.scores == whole.scores


@pytest.mark.filterwarnings("ignore:.* exists and is not empty")
def test_a_resumed_fit_has_the_files_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """ModelCheckpoint keeps the same files, and CSVLogger each row once, whatever came after the state."""
    saving = {
        "class_path": f"{CALLBACKS}.ModelCheckpoint",
        "init_args": {
            "monitor": "score",
            "save_top_k": 2,
            "dirpath": str(tmp_path / "ckpts"),
            "save_last": True,
        },
    }
    logger = {
        "class_path": "pytorch_lightning.loggers.CSVLogger",
        "init_args": {"save_dir": str(tmp_path / "logs")},
    }
    task = odd({"optimizer": "adam"}, callbacks=[saving], logger=logger, log_every_n_steps=1)
    whole = fit(replace(task, place=tmp_path / "study" / "whole"), never)
    parts = replace(
        task, place=tmp_path / "study" / "parts", checkpoint=str(tmp_path / "state.ckpt"), every=0.0
    )
    asked = 0

    def time_left() -> float | None:
        nonlocal asked
        asked += 1
        return 0.0 if asked > 22 else None  # in the middle of the third epoch

    assert fit(parts, never, time_left).ending is Ending.INTERRUPTED
    assert fit(replace(parts, resume=parts.checkpoint), never).scores == whole.scores
    for folder in ("ckpts", "logs"):
        one, other = (tmp_path / folder / "study" / name for name in ("whole", "parts"))
        names = [sorted(str(path.relative_to(end)) for path in end.rglob("*.*")) for end in (one, other)]
        assert names[0] == names[1] != []
        for name in names[0]:
            if name.endswith(".csv"):
                assert (one / name).read_text() == (other / name).read_text()


def test_what_cannot_be_exact_is_said_in_words() -> None:
    """The clock, and generators in other processes, are named; everything else is resumed exactly."""
    assert reasons_of_configuration(odd(max_steps=3).configuration) == []
    (reason,) = reasons_of_configuration(odd(max_time={"minutes": 1}).configuration)
    assert reason == "trainer.max_time ends a trial by the clock"
    loader = torch.utils.data.DataLoader([1], num_workers=1, persistent_workers=True)
    assert reasons_of_loaders([loader]) == [
        "persistent_workers keep the generators of a data loader's processes"
    ]
    assert INEXACT not in fit(odd(max_time={"minutes": 1}, max_epochs=1), never).facts
    assert fit(odd(max_time={"milliseconds": 1}), never).facts[INEXACT] == [reason]


def test_a_fit_that_goes_on_on_another_device_says_so(tmp_path: Path) -> None:
    """Two devices add up in other orders, so the trial keeps from which to which it went, however often."""
    task, file = odd(), tmp_path / "state.ckpt"
    leave_behind(1, replace(task, checkpoint=str(file)))
    checkpoint = torch.load(file, weights_only=False)
    checkpoint["tuner"]["state"]["device"] = "NVIDIA H100"
    torch.save(checkpoint, file)
    moved = "it was left on NVIDIA H100 and went on on cpu"
    assert fit(replace(task, resume=str(file)), never).facts[INEXACT] == [moved]
    leave_behind(2, replace(task, resume=str(file), checkpoint=str(file)))
    assert fit(replace(task, resume=str(file)), never).facts[INEXACT] == [moved]


def test_a_search_for_fast_kernels_is_announced() -> None:
    """Which kernel of a GPU wins depends on the moment; on the CPU there is no such search."""
    assert reasons_of_configuration({"trainer": {"benchmark": True}}) == [
        "trainer.benchmark chooses among the kernels of a GPU by the clock"
    ]
    assert reasons_of_configuration({"trainer": {"benchmark": True, "accelerator": "cpu"}}) == []
