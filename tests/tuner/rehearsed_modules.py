"""Modules that a rehearsal lets through, and modules that it has to survive; a training imports them."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import Logger
from torch.utils.data import DataLoader, IterableDataset

from tests.tuner.small_modules import Small


def _exit() -> None:
    sys.exit(0)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _grow() -> None:
    raise MemoryError("no more")


def _be_deaf() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _move() -> None:
    Path("elsewhere").mkdir(exist_ok=True)
    os.chdir("elsewhere")


def _close() -> None:
    os.close(1)
    os.close(2)


def _talk() -> None:
    for _ in range(200):
        os.write(1, b"x" * 1_000_000)


def _wait() -> None:
    while True:
        time.sleep(60)


DEEDS: Mapping[str, Callable[[], object]] = MappingProxyType(
    {
        "exit": _exit,
        "exit at once": lambda: os._exit(0),
        "interrupt": _interrupt,
        "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "memory": _grow,
        "deaf": _be_deaf,
        "move": _move,
        "close": _close,
        "talk": _talk,
        "wait": _wait,
    }
)


class Acting(Small):
    """A module that does something unexpected in its first step, or in validation."""

    def __init__(self, does: str, in_validation: bool = False) -> None:  # noqa: FBT001, FBT002 - given by name
        super().__init__()
        self.does, self.in_validation = does, in_validation

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Act."""
        if not self.in_validation and self.global_step == 0:
            DEEDS[self.does]()

    def on_validation_start(self) -> None:
        """Act."""
        if self.in_validation:
            DEEDS[self.does]()


class Endless(IterableDataset[torch.Tensor]):
    """Samples without end and without a length."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Give them."""
        while True:
            yield torch.ones(2)


class WithoutLength(Small):
    """A module whose training data never end."""

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Return a loss."""
        return (self.layers(batch) - 1).square().mean()

    def train_dataloader(self) -> object:
        """Give what never ends."""
        return DataLoader(Endless(), batch_size=4)


class Warming(Small):
    """A module whose warm-up reads how long it is trained."""

    def on_fit_start(self) -> None:
        """Refuse a training that is no longer than its warm-up."""
        if (self.trainer.max_epochs or 0) < 20 or self.trainer.limit_train_batches != 1.0:
            raise ValueError("the warm-up takes 10 epochs")

    def on_train_end(self) -> None:
        """Read it once more."""
        self.on_fit_start()


class Whole(Small):
    """A module whose metric needs every sample of the validation."""

    def on_validation_epoch_start(self) -> None:
        """Forget what was seen."""
        self.seen = 0

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Count samples."""
        self.seen += len(batch[0])

    def on_validation_epoch_end(self) -> None:
        """Refuse a part of them."""
        if self.seen != 8:
            raise ValueError("needs all 8 samples")
        self.log("val_loss", 1.0)


class Late(Small):
    """A module that logs its metric behind an epoch."""

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log nothing."""

    def on_train_epoch_end(self) -> None:
        """Log the metric."""
        self.log("val_loss", 1.0)


class Seldom(Small):
    """A module that logs its metric in every fifth epoch."""

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the metric now and then."""
        if self.current_epoch % 5 == 4:
            self.log("val_loss", 1.0)


class PerBatch(Small):
    """A module that logs its metric as `self.log` does by default in training: the single batch."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Log the loss of the batch."""
        loss = super().training_step(batch, batch_idx)
        self.log("of_batch", loss)
        return loss


class PerBatchOfValidation(Small):
    """A module that logs its metric for each batch of a validation, and for no whole one."""

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the metric."""
        self.log("val_loss", 1.0, on_step=True, on_epoch=False)


class Counted(Logger):
    """A logger that has a run on a server: each that is made, and each call, is counted in a file."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self.project = project
        self.note("made")

    @property
    def name(self) -> str:
        """Name it."""
        return self.project

    @property
    def version(self) -> str:
        """Number it."""
        return "1"

    @property
    def experiment(self) -> "Counted":
        """Give what a module calls."""
        self.note("asked")
        return self

    def note(self, what: str) -> None:
        """Count."""
        with Path("runs-of-server").open("a") as file:
            file.write(f"{what}\n")

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Count."""
        self.note("metrics")

    def log_hyperparams(self, params: Any) -> None:
        """Count."""
        self.note("hyperparameters")


class Logging(Small):
    """A module that speaks to its logger itself, and wants it to be of its class."""

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the metric."""
        super().validation_step(batch, batch_idx)
        if not any(isinstance(logger, Counted) for logger in self.loggers):
            raise TypeError("the logger is not mine")
        for logger in self.loggers:
            if isinstance(logger, Counted):
                logger.experiment.note("by the module")
                logger.note("by the module")
                (Path(logger.save_dir or "") / "picture.png").parent.mkdir(parents=True, exist_ok=True)


class TwoKinds(Small):
    """A module that logs in training under the name that validation has too."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Log the mean loss of the epoch."""
        loss = super().training_step(batch, batch_idx)
        self.log("val_loss", loss, on_epoch=True)
        return loss


class Persistent(Small):
    """A module whose loader keeps its processes from epoch to epoch."""

    def train_dataloader(self) -> object:
        """Give batches by one process."""
        return DataLoader(torch.ones(8, 2), batch_size=2, num_workers=1, persistent_workers=True)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Return a loss."""
        return (self.layers(batch) - 1).square().mean()


class Unsaved(Small):
    """A module whose checkpoint holds what pickle cannot write."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add an open file."""
        checkpoint["log"] = sys.stdout


class Keeping(Small):
    """A module that makes a callback of its own, which writes to a folder that all trainings share."""

    def configure_callbacks(self) -> list[Any]:
        """Keep the last checkpoint."""
        return [ModelCheckpoint(dirpath="shared", filename="last")]
