"""A fit that is left between two epochs and resumed ends as one that was never left, to the last bit."""

import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from pytorch_lightning import LightningModule

from tests.tuner.training.probes import IN_MEMORY, MLP, schedule
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Ending, Fit
from tuner.training.fitting.fit import fit
from tuner.training.resuming.checkpoints import Checkpoints
from tuner.training.resuming.exactness import INEXACT, reasons_of_configuration, reasons_of_loaders

pytestmark = IN_MEMORY

EPOCHS = 5
ODD = "tests.tuner.training.odd_modules"
DIGITS = {
    "trainer": {
        "max_epochs": EPOCHS,
        "accumulate_grad_batches": 2,
        "callbacks": [{"class_path": "tuner.callbacks.UndecayedGroups"}, schedule(schedule="cosine")],
    },
    "model": {"class_path": MLP, "init_args": {"hidden": [16], "norm": "batch", "dropout": 0.3}},
    "data": {"class_path": "tuner.data.Digits"},
    "optimizer": {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}},
}


class OwnDrawing(LightningModule):
    """A module whose training draws from every generator, with loaders that have one of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def on_train_epoch_start(self) -> None:
        """Draw before the order of the epoch is drawn."""
        torch.rand(1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Add noise of three kinds."""
        noise = random.random() + float(np.random.rand()) + float(torch.rand(1))  # noqa: NPY002, S311
        return (self.layer(batch) - noise).square().mean()

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        """Log the loss beside noise."""
        self.log("val_loss", (self.layer(batch) - torch.rand(1)).square().mean())

    def configure_optimizers(self) -> dict[str, Any]:
        """Choose an optimizer with a state and a schedule that follows the score."""
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        follow = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": follow, "monitor": "val_loss"},
        }

    def train_dataloader(self) -> object:
        """Shuffle by a generator of the loader's own."""
        rows = torch.arange(24.0).reshape(6, 4) / 24
        own = torch.Generator().manual_seed(5)
        return torch.utils.data.DataLoader(rows, batch_size=2, shuffle=True, generator=own)

    def val_dataloader(self) -> object:
        """Give two batches."""
        return torch.utils.data.DataLoader(torch.arange(24.0).reshape(6, 4) / 24, batch_size=3)


DRAWING = {
    "trainer": {"max_epochs": EPOCHS, "val_check_interval": 0.5},
    "model": {"class_path": f"{__name__}.OwnDrawing"},
}


def never(*_: object) -> bool:
    """Ask for no stop."""
    return False


def leave_behind(validations: int, task: Assignment) -> Fit:
    """Fit until a number of validations have been made, and leave at the end of that epoch."""
    made: list[float] = []
    return fit(
        task,
        lambda _, score: bool(made.append(score)),  # type: ignore[func-returns-value]
        lambda: 1e9 if len(made) >= validations else None,
        lambda scores: made.extend(scores.values()),
    )


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


def test_checkpoints_are_written_when_they_are_due(tmp_path: Path) -> None:
    """A fit that nobody interrupts writes one each so many seconds, and none where that is longer than it."""
    task = Assignment(
        DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=str(tmp_path / "rare" / "1.ckpt")
    )
    fit(task, never)
    assert list(tmp_path.iterdir()) == []
    fit(replace(task, checkpoint=str(tmp_path / "often" / "1.ckpt"), every=0.0), never)
    assert [path.name for path in (tmp_path / "often").iterdir()] == ["1.ckpt"]


def test_a_fit_that_cannot_reach_the_end_of_its_epoch_ends_at_once(tmp_path: Path) -> None:
    """Where the time left is shorter than the epoch, no more of it is trained."""
    task = Assignment(DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=str(tmp_path / "1.ckpt"))
    end = fit(task, never, lambda: 1e-9)
    assert (end.ending, end.scores) == (Ending.INTERRUPTED, ())
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_belongs_to_one_attempt(tmp_path: Path) -> None:
    """The newest of the attempts before is taken up; those of another suggestion, slot or trial are not."""
    checkpoints = Checkpoints(str(tmp_path))
    assert checkpoints.resumable(1, 0, 5, "mine") == (None, "no checkpoint of an earlier attempt is there")
    whole = leave_behind(
        1,
        Assignment(
            DIGITS,
            seed=3,
            objective=Objective("val_loss"),
            checkpoint=checkpoints.file(1, 0, 1),
            owner="mine",
        ),
    )
    assert whole
    for slot, draw, attempt in [(1, 0, 2), (1, 0, 10), (1, 1, 3), (11, 0, 4)]:
        shutil.copy(checkpoints.file(1, 0, 1), checkpoints.file(slot, draw, attempt))
    (tmp_path / "slot-1-0-4.ckpt.part").touch()
    assert checkpoints.resumable(1, 0, 10, "mine") == (checkpoints.file(1, 0, 2), "")
    assert checkpoints.resumable(1, 0, 11, "mine") == (checkpoints.file(1, 0, 10), "")
    file, reason = checkpoints.resumable(1, 0, 2, "another")
    assert (file, reason) == (None, "the checkpoint of attempt 1 is not whole, or belongs to another trial")
    checkpoints.collect(1)
    assert [path.name for path in tmp_path.iterdir()] == ["slot-11-0-4.ckpt"]


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


def test_a_checkpoint_that_is_not_whole_is_never_gone_on_from(tmp_path: Path) -> None:
    """Whatever byte is missing, added or changed, the attempt before is taken up instead, or none."""
    checkpoints, draw = Checkpoints(f"file://{tmp_path}/shared"), np.random.default_rng(0)
    task = Assignment(
        DIGITS, seed=3, objective=Objective("val_loss"), checkpoint=checkpoints.file(1, 0, 2), owner="mine"
    )
    leave_behind(1, task)
    file = tmp_path / "shared" / "slot-1-0-2.ckpt"
    whole = file.read_bytes()
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 2)
    broken = [b"", whole[:1], whole[:1000], whole[:-1], whole[1:], whole + b"\0", b"no checkpoint", whole * 2]
    for place in [0, len(whole) - 1, *draw.integers(len(whole), size=40)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(draw.integers(8))
        broken.append(bytes(flipped))
    for content in broken:
        file.write_bytes(content)
        found, reason = checkpoints.resumable(1, 0, 3, "mine")
        assert found is None
        assert reason.startswith("the checkpoint of attempt 2 is not whole")
    (tmp_path / "shared" / "slot-1-0-1.ckpt").write_bytes(whole)
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 1)
    file.unlink()
    file.mkdir()
    assert checkpoints.resumable(1, 0, 3, "mine")[0] == checkpoints.file(1, 0, 1)
    assert "cannot be reached (" in Checkpoints("nosuch://place").resumable(1, 0, 3, "mine")[1]


class Unreachable(MemoryFileSystem):
    """A store of files that takes nothing."""

    protocol = "unreachable"

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        """Fail as a client of a store does."""
        raise ConnectionError("the store does not answer")


@pytest.mark.parametrize("place", ["unreachable://bucket/state.ckpt", "a-file/state.ckpt"])
def test_a_state_that_cannot_be_stored_ends_no_training(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The training goes on, and the trial keeps why it could not have been gone on with."""
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    fsspec.register_implementation("unreachable", Unreachable, clobber=True)
    end = fit(Assignment(DRAWING, 1, Objective("val_loss"), checkpoint=place, every=0.0), never)
    assert end.ending is Ending.COMPLETED
    assert end.facts[INEXACT][0].startswith("the last state of the training could not be stored (")
    assert "could not be stored" in capfd.readouterr().err
    left = fit(Assignment(DRAWING, 1, Objective("val_loss"), checkpoint=place, every=0.0), never, lambda: 1e9)
    assert left.ending is Ending.INTERRUPTED
