"""A module and data with the oddities of other people's, each behind an argument; they train quickly."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler
from torchmetrics import MeanMetric

METRICS = ("val", "val_end", "third", "torchmetrics", "train", "train_end", "callback", "both")
DATA = (
    "map",
    "noisy",
    "generator",
    "workers",
    "iterable",
    "sized_iterable",
    "several",
    "several_val",
    "indices",
)
OPTIMIZERS = ("sgd", "adam", "manual", "sparse")
SCHEDULES = ("none", "step", "epoch", "plateau")


def rows(count: int) -> Tensor:
    """Give rows of four numbers, `(count, 4)`, always the same."""
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(3))


class OwnRows(Dataset[Tensor]):
    """Rows, with noise that a generator of each kind draws where it is asked for."""

    def __init__(self, count: int, *, noisy: bool = False, indices: bool = False) -> None:
        self.rows, self.noisy, self.indices = rows(count), noisy, indices
        self.own = np.random.default_rng(4)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Tensor:
        if self.indices:
            return torch.tensor([index % 7, (index * 3) % 7])
        row = self.rows[index]
        if self.noisy:
            noise = random.random() + float(np.random.rand()) + float(torch.rand(())) + self.own.random()  # noqa: NPY002, S311
            row = row + 0.1 * noise
        return row


class OwnStream(IterableDataset[Tensor]):
    """Rows in the order in which a generator draws them."""

    def __init__(self, count: int) -> None:
        self.rows = rows(count)

    def __iter__(self) -> Iterator[Tensor]:
        yield from self.rows[torch.randperm(len(self.rows))]


class OwnSizedStream(OwnStream):
    """The same, with a length."""

    def __len__(self) -> int:
        return len(self.rows)


class OwnData(LightningDataModule):
    """Data of one of the kinds in `DATA`."""

    def __init__(self, kind: str = "map", batch_size: int = 4) -> None:
        super().__init__()
        self.kind, self.batch_size = kind, batch_size

    def train_dataloader(self) -> Any:
        """Give some five batches."""
        size, kind = self.batch_size, self.kind
        if kind == "iterable":
            return DataLoader(OwnStream(18), size)
        if kind == "sized_iterable":
            return DataLoader(OwnSizedStream(18), size)
        if kind == "several":
            return {
                "a": DataLoader(OwnRows(18), size, shuffle=True),
                "b": DataLoader(OwnRows(10, noisy=True), 2, shuffle=True),
            }
        if kind == "generator":
            data = OwnRows(18, noisy=True)
            return DataLoader(
                data, size, sampler=RandomSampler(data, generator=torch.Generator().manual_seed(9))
            )
        workers = {"num_workers": 1, "multiprocessing_context": "fork"} if kind == "workers" else {}
        data = OwnRows(18, noisy=kind in {"noisy", "workers"}, indices=kind == "indices")
        return DataLoader(data, size, shuffle=True, **workers)

    def val_dataloader(self) -> Any:
        """Give some three batches, or two loaders of them."""
        data = OwnRows(10, indices=self.kind == "indices")
        if self.kind == "several_val":
            return [DataLoader(data, 4), DataLoader(OwnRows(6, noisy=True), 3)]
        return DataLoader(data, 4, shuffle=self.kind == "noisy")


class OwnNet(LightningModule):
    """A network that logs `score` in one of the ways in `METRICS`, and notes when it did.

    Args:
        metric: how `score` is logged.
        optimizer: one of `OPTIMIZERS`.
        schedule: one of `SCHEDULES`.
        noise: whether training draws from every generator.
        out: a file for the weights at the end.
    """

    def __init__(
        self,
        metric: str = "val",
        optimizer: str = "sgd",
        schedule: str = "none",
        *,
        noise: bool = False,
        out: str | None = None,
    ) -> None:
        super().__init__()
        self.metric, self.kind, self.schedule, self.noise, self.out = metric, optimizer, schedule, noise, out
        self.has_logged = self.was_logged = False
        self.validations = 0
        self.lr = 0.05  # where a learning-rate finder looks
        self.automatic_optimization = optimizer != "manual"
        self.mean = MeanMetric()
        self.inside = nn.EmbeddingBag(7, 4, sparse=True) if optimizer == "sparse" else nn.Identity()
        self.layers = nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 1)
        )

    def loss(self, batch: Any) -> Tensor:
        """Give the loss of a batch, or of a batch of each loader."""
        if isinstance(batch, dict):
            parts = [self.loss(part) for part in batch.values() if part is not None]
            return torch.stack(parts).mean()
        found = self.layers(self.inside(batch)).squeeze(1)
        wanted = batch.to(found.dtype).sum(1).sin() + 1
        return (found - wanted).square().mean()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """Return the loss, or step by hand."""
        loss = self.loss(batch)
        if self.noise:
            loss = loss * (1 + 0.1 * (random.random() + float(np.random.rand()) + float(torch.rand(()))))  # noqa: NPY002, S311
        if self.metric in {"train", "both"}:
            self.log("score", loss, on_step=True, on_epoch=True, batch_size=4)
            self.has_logged = True
        if self.automatic_optimization:
            return loss
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch))
            optimizer.step()
        return None

    def on_train_epoch_end(self) -> None:
        """Log what stands for an epoch, and step a schedule by hand."""
        if self.metric == "train_end":
            weight = self.layers[0].weight
            self.log("score", weight.detach().float().square().mean())
            self.has_logged = True

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log the loss."""
        loss = self.loss(batch)
        if self.metric in {"val", "both"}:
            self.log("score", loss, add_dataloader_idx=dataloader_idx > 0, batch_size=len(batch))
            self.has_logged = True
        elif self.metric == "torchmetrics":
            self.mean(loss.float())
            if dataloader_idx == 0:
                self.log("score", self.mean, add_dataloader_idx=False, batch_size=len(batch))
            self.has_logged = True
        else:
            self.log("other", loss, add_dataloader_idx=dataloader_idx > 0, batch_size=len(batch))
        self.last = loss.detach()

    def on_validation_epoch_end(self) -> None:
        """Log what stands for a validation, perhaps in some of them only."""
        if self.metric == "val_end" or (self.metric == "third" and self.validations % 3 == 0):
            self.log("score", self.last)
            self.has_logged = True
        if not self.trainer.sanity_checking:
            self.validations += 1

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the module counts."""
        checkpoint["validations"] = self.validations

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up what the module counted."""
        self.validations = checkpoint["validations"]

    def configure_optimizers(self) -> Any:
        """Choose optimizers and what schedules them."""
        if self.kind == "manual":
            return [
                torch.optim.Adam(self.layers[0].parameters(), lr=0.02),
                torch.optim.SGD(self.layers.parameters(), lr=0.05),
            ]
        if self.kind == "sgd":
            optimizer: Any = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)
        elif self.kind == "sparse":
            optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        else:
            optimizer = torch.optim.Adam(self.parameters(), lr=self.lr / 2)
        if self.schedule == "none":
            return optimizer
        if self.schedule == "plateau":
            follow: Any = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": follow, "monitor": "score", "strict": False},
            }
        follow = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": follow, "interval": self.schedule}}

    def on_fit_end(self) -> None:
        """Write the weights."""
        if self.out is not None:
            torch.save(self.state_dict(), Path(self.out))


class OwnLogging(Callback):
    """A callback that logs the metric itself."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log a number of the epoch."""
        pl_module.log("score", pl_module.layers[0].bias.detach().float().square().mean())
        pl_module.has_logged = True
