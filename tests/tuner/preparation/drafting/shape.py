"""A module as somebody writes it, how `tuner init` is asked of it, and what its configuration is."""

from dataclasses import dataclass, field
from typing import Any

HEAD = """
from functools import partial
from typing import Any, Optional
import torch
from torch import nn
from {package} import LightningDataModule, LightningModule
from {package}.cli import LightningCLI, LRSchedulerCallable, OptimizerCallable

def batches(width=2, size=4, count=20):
    rows = torch.linspace(0, 1, width * count).reshape(count, width)
    return torch.utils.data.DataLoader(rows, batch_size=size)

class Data(LightningDataModule):
    def __init__(self, batch_size: int = 4, num_features: int = 2):
        super().__init__()
        self.batch_size, self.num_features = batch_size, num_features

    def train_dataloader(self):
        return batches(self.num_features, self.batch_size)

    val_dataloader = train_dataloader
"""


@dataclass(frozen=True)
class Shape:
    """A module's source behind `HEAD`, how `tuner init` is asked, and what the user's configuration is.

    In each text `{module}` stands for the module's import path, and `{package}` for the Lightning. `sections`
    are the user's own, as LightningCLI reads them.
    """

    source: str
    asked: str = "--model {module}.Own --data {module}.Data"
    config: str = ""
    sections: dict[str, Any] = field(
        default_factory=lambda: {
            "model": {"class_path": "{module}.Own"}, "data": {"class_path": "{module}.Data"}
        }
    )  # fmt: skip
    metric: str = "val_loss"
    searched: tuple[str, ...] = ()
    trainer: str = "max_epochs: 2"
