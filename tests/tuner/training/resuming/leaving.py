"""Fits that are left between two epochs, and what draws in them from every generator."""

import random
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningModule

from tests.tuner.training.probes import MLP, schedule
from tuner.training.assignment import Assignment
from tuner.training.ends import Fit
from tuner.training.fitting.fit import fit

EPOCHS = 5
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
        self.log("val_loss", (self.layer(batch) - float(torch.rand(1))).square().mean())

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
