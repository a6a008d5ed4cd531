"""The module and the data that all four programs tune; nobody's lines are counted here."""

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn


class Own(LightningModule):
    """A regression with the three arguments to tune."""

    def __init__(self, lr: float = 0.01, weight_decay: float = 0.0, dropout: float = 0.1) -> None:
        super().__init__()
        self.lr, self.weight_decay = lr, weight_decay
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 1))

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Give the squared error of a batch (n, 4)."""
        return (self.layers(batch) - batch.sin().sum(1, keepdim=True)).square().mean()

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        """Log the same error of the validation rows."""
        self.log("val_loss", self.training_step(batch, batch_idx))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Give AdamW."""
        return torch.optim.AdamW(self.parameters(), self.lr, weight_decay=self.weight_decay)


class OwnData(LightningDataModule):
    """Points of a line in four dimensions."""

    def __init__(self, batch_size: int = 32) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.points = torch.randn(512, 4, generator=torch.Generator().manual_seed(0))

    def train_dataloader(self) -> torch.utils.data.DataLoader[torch.Tensor]:
        """Hand out the first half."""
        return torch.utils.data.DataLoader(self.points[:256], self.batch_size, shuffle=True)  # type: ignore[arg-type]

    def val_dataloader(self) -> torch.utils.data.DataLoader[torch.Tensor]:
        """Hand out the second half."""
        return torch.utils.data.DataLoader(self.points[256:], self.batch_size)  # type: ignore[arg-type]
