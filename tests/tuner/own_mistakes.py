"""Modules and data with the mistakes that a user makes."""

from pathlib import Path

import lightning.pytorch
import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn

from tuner.data import Batch, Digits


class OwnRaising(LightningModule):
    """A module whose training step meets tensors of the wrong shape."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(7, 10)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Multiply what cannot be multiplied."""
        loss: Tensor = self.layer(batch[0]).mean()
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the metric."""
        self.log("val_loss", torch.tensor(1.0))


class OwnMissingData(LightningDataModule):
    """Data that lie in a file that is not there."""

    def prepare_data(self) -> None:
        """Read the file."""
        Path("digits.npz").read_bytes()

    def train_dataloader(self) -> list[Batch]:
        """Give nothing."""
        return []

    val_dataloader = train_dataloader


class OwnUnvalidatedData(Digits):
    """Data without a part for validation."""

    val_dataloader = None


class OwnTwin(lightning.pytorch.LightningModule):
    """A module of the other Lightning."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
