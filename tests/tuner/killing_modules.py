"""Modules that kill a process beside them, once, as somebody else might; a training imports them at once."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import torch

from tests.tuner.small_modules import Small

KILLED = Path("killed")  # in the working directory: that it was done
LINE = b"%09d " + b"x" * 989 + b"\n"  # 1,000 bytes


class Loaded(Small):
    """A module whose data two processes load; it draws random numbers there and here."""

    def train_dataloader(self) -> object:
        """Give forty batches, of which a few are loaded ahead."""
        data = torch.linspace(0, 1, 160).reshape(80, 2)
        return torch.utils.data.DataLoader(
            list(data), batch_size=2, shuffle=True, num_workers=2, collate_fn=noisy
        )

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Kill at the beginning of the second epoch."""
        if self.current_epoch == 1 and not KILLED.exists():
            KILLED.touch()
            self.kill()
        return super().training_step(batch, batch_idx) + 0.01 * torch.rand(())

    def kill(self) -> None:
        """Kill nothing."""


class KillsOneLoader(Loaded):
    """Kills one of the processes that load its data."""

    def kill(self) -> None:
        """Kill the first."""
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)


class KillsEveryLoader(Loaded):
    """Kills the processes that load its data."""

    def kill(self) -> None:
        """Kill both."""
        children = multiprocessing.active_children()
        assert len(children) == 2
        for child in children:
            os.kill(child.pid or 0, signal.SIGKILL)


class KillsItsForkServer(Loaded):
    """Kills the process that all trainings of its worker come from."""

    def kill(self) -> None:
        """Kill the parent, which is the fork server."""
        os.kill(os.getppid(), signal.SIGKILL)


class Printing(Small):
    """A module that prints megabytes."""

    megabytes = 30

    def on_fit_start(self) -> None:
        """Print numbered lines of 1,000 bytes each."""
        for number in range(1000 * self.megabytes):
            sys.stdout.buffer.write(LINE % number)

    def on_fit_end(self) -> None:
        """Say that this is the end."""
        sys.stdout.flush()
        sys.stdout.write("the end\n")


class PrintingAGigabyte(Printing):
    """A module that prints a gigabyte."""

    megabytes = 1000


def noisy(batch: list[torch.Tensor]) -> list[torch.Tensor]:
    """Augment at random."""
    stacked = torch.stack(batch)
    return [stacked + 0.01 * torch.rand_like(stacked)]
