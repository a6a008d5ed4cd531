"""Modules with weights, gradients and steps of every kind, for what watches them."""

from typing import Any

import pytorch_lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Odd(pytorch_lightning.LightningModule):
    """A small regression; each subclass has weights of its own kind."""

    def __init__(self) -> None:
        super().__init__()
        self.net: Any = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Return the loss of a batch."""
        return self.loss(batch[0])

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Compare with the sum of the features."""
        return (self.net(x) - x.sum(1, keepdim=True)).square().mean()

    def train_dataloader(self) -> Any:
        """Give ten batches of four, shuffled."""
        generator = torch.Generator().manual_seed(1)
        data = TensorDataset(torch.randn(40, 4, generator=generator))
        return DataLoader(data, batch_size=4, shuffle=True)

    def configure_optimizers(self) -> Any:
        """Choose Adam for all that can be learnt."""
        return torch.optim.Adam([weight for weight in self.parameters() if weight.requires_grad], lr=0.01)


class Sparse(Odd):
    """A table whose gradients are sparse, and a frozen network."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 4, sparse=True)
        self.net.requires_grad_(requires_grad=False)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Add a row of the table."""
        return super().loss(x + self.table((x[:, 0].abs() * 10).long().clamp(max=49)))

    def configure_optimizers(self) -> Any:
        """Choose the optimizer for sparse gradients."""
        return torch.optim.SparseAdam(list(self.table.parameters()), lr=0.01)


class Unlearnt(Odd):
    """Parameters of whole numbers, of truth values, without elements, without values, and unused."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.arange(4), requires_grad=False)
        self.mask = nn.Parameter(torch.ones(4, dtype=torch.bool), requires_grad=False)
        self.empty, self.unused = nn.Parameter(torch.zeros(0)), nn.Parameter(torch.ones(2))
        self.add_module("lazy", nn.LazyLinear(3))

    def configure_optimizers(self) -> Any:
        """Choose SGD for all that has values and can be learnt."""
        return torch.optim.SGD([*self.net.parameters(), self.empty, self.unused], lr=0.01)


class Complex(Odd):
    """Complex weights."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = nn.Parameter(torch.ones(4, dtype=torch.cfloat))

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Turn the features."""
        return super().loss((x * self.phase).abs())


class Half(Odd):
    """Weights of half precision, whose squares overflow."""

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Parameter(torch.full((4,), 1000.0, dtype=torch.half))

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Scale the features."""
        return super().loss(x * self.large.float() / 1000)

    def configure_optimizers(self) -> Any:
        """Choose SGD: in half precision Adam divides by zero."""
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Shared(Odd):
    """One weight in two places."""

    def __init__(self) -> None:
        super().__init__()
        first, second = nn.Linear(4, 4), nn.Linear(4, 4)
        second.weight = first.weight
        self.net = nn.Sequential(first, second, nn.Linear(4, 1))


class Closure(Odd):
    """An optimizer that evaluates the loss several times a step."""

    def configure_optimizers(self) -> Any:
        """Choose LBFGS."""
        return torch.optim.LBFGS(self.parameters(), lr=0.1, max_iter=4)


class Manual(Odd):
    """Two optimizers by hand; the step returns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Step both."""
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch[0]))
            optimizer.step()

    def configure_optimizers(self) -> Any:
        """Share the network."""
        return [torch.optim.Adam(self.net[0].parameters()), torch.optim.SGD(self.net[3].parameters(), 0.01)]


class Compiled(Odd):
    """A network that torch compiles."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.compile(self.net, backend="eager")
