"""Modules as a user writes them: with a configure_optimizers of their own."""

from collections.abc import Callable, Iterable
from typing import Any

import lightning.pytorch
import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from tuner.data import load_batches

Parameters = list[nn.Parameter]


def sgd(parameters: Parameters) -> SGD:
    """Make an optimizer that decays."""
    return SGD(parameters, lr=0.1, weight_decay=0.5)


# Each way, without a scheduler, in which Lightning lets automatic optimization return its optimizer.
FORMS: dict[str, Callable[[Parameters], object]] = {
    "optimizer": sgd,
    "list": lambda parameters: [sgd(parameters)],
    "tuple": lambda parameters: (sgd(parameters),),
    "pair of lists": lambda parameters: ([sgd(parameters)], []),
    "dictionary": lambda parameters: {"optimizer": sgd(parameters)},
    "list of dictionaries": lambda parameters: [{"optimizer": sgd(parameters)}],
}


def scheduled(parameters: Parameters) -> tuple[SGD, StepLR]:
    """Make an optimizer and a scheduler that follows it."""
    optimizer = sgd(parameters)
    return optimizer, StepLR(optimizer, 1)


# Each way to return a scheduler with it.
SCHEDULED_FORMS: dict[str, Callable[[Parameters], object]] = {
    "pair of lists": lambda parameters: tuple([part] for part in scheduled(parameters)),
    "list and scheduler": lambda parameters: ([(pair := scheduled(parameters))[0]], pair[1]),
    "dictionary": lambda parameters: dict(
        zip(("optimizer", "lr_scheduler"), scheduled(parameters), strict=True)
    ),
    "nested dictionary": lambda parameters: {
        "optimizer": (pair := scheduled(parameters))[0],
        "lr_scheduler": {"scheduler": pair[1], "interval": "step"},
    },
    "list of dictionaries": lambda parameters: [
        dict(zip(("optimizer", "lr_scheduler"), scheduled(parameters), strict=True))
    ],
}


class Regression:
    """Fit a linear layer with a norm to random numbers; `form` makes what `configure_optimizers` returns."""

    def __init__(self, form: Callable[[Parameters], object] | None = None) -> None:
        """Make the layers."""
        super().__init__()
        self.form = form or sgd
        self.network = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
        self.calls = 0

    def training_step(self, batch: tuple[Tensor], batch_idx: int) -> Tensor:
        """Return a loss."""
        (x,) = batch
        return self.network(x).sub(1).square().mean()

    def train_dataloader(self) -> Iterable[Any]:
        """Ten batches."""
        return load_batches(torch.rand(40, 3), batch_size=4)

    def configure_optimizers(self) -> Any:
        """Return an optimizer in the form that the test wants."""
        self.calls += 1
        return self.form(list(self.parameters()))


class OwnModule(Regression, pytorch_lightning.LightningModule):
    """A module of `pytorch_lightning`."""


class OwnTwinModule(Regression, lightning.pytorch.LightningModule):
    """The same module of `lightning.pytorch`."""


class ManualModule(OwnModule):
    """A module that steps two optimizers itself."""

    def __init__(self) -> None:
        """Make one optimizer for each layer."""
        super().__init__(lambda _: [sgd([*layer.parameters()]) for layer in self.network])
        self.automatic_optimization = False

    def training_step(self, batch: tuple[Tensor], batch_idx: int) -> None:
        """Step each optimizer by hand."""
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(super().training_step(batch, batch_idx))
            optimizer.step()
