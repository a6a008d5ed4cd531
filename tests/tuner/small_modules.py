"""Modules that train in milliseconds, and go wrong in one way each; a training imports them at once."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
from pytorch_lightning import LightningModule

from tuner.data import load_batches


class Small(LightningModule):
    """A module that trains in milliseconds."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return a loss."""
        return (self.layers(batch[0]) - 1).square().mean()

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the loss."""
        self.log("val_loss", (self.layers(batch[0]) - 1).square().mean())

    def train_dataloader(self) -> object:
        """Give two batches."""
        return load_batches(torch.linspace(0, 1, 16).reshape(8, 2), batch_size=4, shuffle=True)

    val_dataloader = train_dataloader

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose the optimizer in the module."""
        return torch.optim.SGD(self.parameters(), lr=0.05)


class Raising(Small):
    """A module with a mistake in it."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Raise."""
        raise ZeroDivisionError("the mistake")


class Diverging(Small):
    """A module whose loss is no number for wide layers."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return NaN where the layer is wide."""
        loss = super().training_step(batch, batch_idx)
        return loss * torch.nan if self.layers[0].out_features > 4 else loss


class Killed(Small):
    """A module that is killed in the middle of its first epoch, as by somebody else."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """End by a signal."""
        os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(batch, batch_idx)


class KilledOnce(Small):
    """A module that is killed once, as a file in the working directory remembers."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """End by a signal, the first time."""
        if not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(batch, batch_idx)


class KilledLater(Small):
    """A module that is killed once, in its third epoch; a file notes the epochs that came to their end."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """End by a signal, the first time in the third epoch."""
        if self.current_epoch == 2 and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(batch, batch_idx)

    def on_train_epoch_end(self) -> None:
        """Note the epoch."""
        with Path("epochs").open("a") as file:
            file.write(f"{self.current_epoch}\n")


class Crashing(Small):
    """A module whose native code is broken."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """End by a signal of one's own."""
        os.kill(os.getpid(), signal.SIGABRT)
        return super().training_step(batch, batch_idx)


class Hanging(Small):
    """A module that never comes to an end, in one step, and does not listen to signals either."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Wait for ever."""
        sys.stdout.write("hangs\n")
        while True:
            signal.pause()


class Dawdling(Small):
    """A module of seconds, until a file of the name `hurry` lies in a folder above its own."""

    def on_train_epoch_start(self) -> None:
        """Wait a moment."""
        folders = Path(self.trainer.default_root_dir).absolute().parents
        if not any((folder / "hurry").exists() for folder in folders):
            time.sleep(0.2)


class OutOfMemory(Small):
    """A module that wants more memory than there is."""

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Ask for an exabyte."""
        return torch.empty(2**57, dtype=torch.float64).sum()


class Talking(Small):
    """A module that prints, by itself and by a program that it starts."""

    def on_fit_start(self) -> None:
        """Print in three ways."""
        sys.stdout.write("by itself\n")
        sys.stderr.write("as an error\n")
        subprocess.run(["echo", "by a program"], check=True)


class Inspecting(Small):
    """A module that logs what its process is like."""

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the number of threads, as the loss."""
        self.log("val_loss", float(torch.get_num_threads()))


class LoadingByDefault(Small):
    """A module whose data are loaded by a process of their own, and cannot be pickled."""

    def train_dataloader(self) -> object:
        """Give two batches, and note how the process began that made them."""

        def noted(batch: object) -> object:
            Path("loaders").write_text(multiprocessing.get_context().get_start_method())
            return batch

        data = [torch.ones(1, 2)] * 2
        return torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, collate_fn=noted)


class Loading(Small):
    """A module whose data are loaded by a process of their own."""

    def train_dataloader(self) -> object:
        """Give two batches."""
        return torch.utils.data.DataLoader(
            [torch.ones(1, 2)] * 2, batch_size=None, num_workers=1, multiprocessing_context="fork"
        )
