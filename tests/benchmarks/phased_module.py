"""A module that tells in which phase its training is, and sends the signal that is planned for it."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule

EPOCHS = 6
PLAN, TRAINED = Path("plan.json"), Path("trained.txt")  # in the worker's folder


def reached(phase: str, worker: int | None = None) -> None:
    """Send SIGTERM to the worker where it is planned for this phase, after so many times were skipped."""
    try:
        plan = json.loads(PLAN.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return
    if plan["phase"] != phase:
        return
    if plan["skip"] and worker is None:
        PLAN.write_text(json.dumps({**plan, "skip": plan["skip"] - 1}))
        return
    os.kill(plan["worker"], signal.SIGTERM)
    PLAN.unlink()


class Phased(LightningModule):
    """A small network with dropout and momentum, whose every generator and buffer has to be resumed."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(64, 32),
            torch.nn.BatchNorm1d(32),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(32, 10),
        )

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Give the loss, in the middle of an epoch a phase."""
        if batch_idx == 3:
            reached("training")
        return torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def on_train_epoch_end(self) -> None:
        """Note that an epoch of this trial, which its learning rate names, was trained to its end."""
        with TRAINED.open("a") as file:
            file.write(f"{self.lr!r} {self.current_epoch}\n")

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the loss."""
        if batch_idx == 0:
            reached("validation")
        self.log("val_loss", torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Be in the middle of a write."""
        reached("checkpoint")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose the optimizer in the module."""
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)
