"""The training loss of a module as a function of its weights: the same samples, without anything random.

The module is in evaluation mode: no dropout, and batch norm with the statistics that training has left. A
module of ours has `plain_loss`, without smoothing and augmentation; of another the loss is what its
`training_step` returns, each time from the same seed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.errors import TunerError

MOST_SAMPLES = 4096  # of the training part
PAIR = 2  # samples and targets
SEED = 0  # of whatever a training step draws


class NoLoss(TunerError, ValueError):
    """A module has no loss whose curvature can be measured."""


class LossOfWeights:
    """The mean loss over some training batches, of the weights that require a gradient.

    Args:
        module: the trained module; it is put into evaluation mode.
        batches: each as the module's training step takes it; they are kept.
        sizes: how many samples each has.

    Raises:
        NoLoss: no weight requires a gradient, or the module returns no loss.
    """

    def __init__(self, module: Any, batches: Sequence[Any], sizes: Sequence[int]) -> None:
        self.module = module.eval()
        self.weights = [weight for weight in module.parameters() if weight.requires_grad]
        if not self.weights:
            raise NoLoss("the module has no weights that are trained")
        self.is_plain = hasattr(module, "plain_loss")
        self._batches, self._shares = list(batches), [size / sum(sizes) for size in sizes]
        self.samples, self.size = sum(sizes), sum(weight.numel() for weight in self.weights)
        self._graph: list[tuple[list[Tensor | None], float]] | None = None

    def value(self) -> float:
        """Give the loss at the weights as they stand."""
        with torch.no_grad():
            return float(sum(share * loss for share, loss in self._losses()))

    def gradient(self) -> Tensor:
        """Give the gradient at the weights as they stand, `(weights,)`."""
        total = torch.zeros(self.size, device=self.weights[0].device)
        for share, loss in self._losses():
            total += share * _flat(torch.autograd.grad(loss, self.weights, allow_unused=True), self.weights)
        return total

    def curvature_along(self, direction: Tensor) -> Tensor:
        """Give the Hessian at the weights as they stood at the first call, times a direction `(weights,)`.

        Pearlmutter 1994: the gradient of the gradient's product with the direction. The graph of the gradient
        is kept between calls, so memory holds that of all samples.
        """
        if self._graph is None:
            self._graph = [(_gradients(loss, self.weights), share) for share, loss in self._losses()]
        along = _split(direction, self.weights)
        total = torch.zeros_like(direction)
        for gradients, share in self._graph:
            pairs = [
                (g, v) for g, v in zip(gradients, along, strict=True) if g is not None and g.requires_grad
            ]
            if pairs:
                products = torch.autograd.grad(
                    [g for g, _ in pairs],
                    self.weights,
                    [v for _, v in pairs],
                    retain_graph=True,
                    allow_unused=True,
                )
                total += share * _flat(products, self.weights)
        return total

    @contextmanager
    def moved(self) -> Iterator[Callable[[Tensor], None]]:
        """Give what moves the weights by a step `(weights,)` from where they stood; they are put back."""
        self._graph = None  # it is of the weights where they stand
        before = [weight.detach().clone() for weight in self.weights]

        def move(step: Tensor) -> None:
            with torch.no_grad():
                for weight, start, change in zip(
                    self.weights, before, _split(step, self.weights), strict=True
                ):
                    weight.copy_(start + change)

        try:
            yield move
        finally:
            move(torch.zeros(self.size, device=self.weights[0].device))

    def vector(self) -> Tensor:
        """Give the weights as they stand, `(weights,)`."""
        return _flat([weight.detach() for weight in self.weights], self.weights)

    def _losses(self) -> Iterator[tuple[float, Tensor]]:
        devices = [self.weights[0].device] if self.weights[0].is_cuda else []
        for number, (share, batch) in enumerate(zip(self._shares, self._batches, strict=True)):
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(SEED + number)
                loss = (
                    self.module.plain_loss(batch)
                    if self.is_plain
                    else self.module.training_step(batch, number)
                )
            loss = loss.get("loss") if isinstance(loss, dict) else loss
            if not isinstance(loss, Tensor) or loss.ndim:
                raise NoLoss("its training step returns no loss, as one with manual optimization may")
            yield share, loss


def batches_of(loader: Any, most: int = MOST_SAMPLES) -> tuple[list[Any], list[int]]:
    """Take batches of a training loader up to a number of samples, and how many each has."""
    batches, sizes = [], []
    for batch in islice(loader, most):
        first = next(_tensors(batch), None)
        if first is None:
            raise NoLoss("its batches hold no tensor whose samples can be counted")
        batches.append(batch)
        sizes.append(len(first))
        if sum(sizes) >= most:
            break
    if not batches:
        raise NoLoss("its training part has no batch")
    return batches, sizes


def merged(batches: Sequence[Any], sizes: Sequence[int]) -> tuple[list[Any], list[int]]:
    """Make one batch of many, where each is a pair of samples and targets of like shapes.

    One large batch takes a quarter of the time, and has the same loss if that is a mean over samples.
    """
    pairs = all(isinstance(batch, list | tuple) and len(batch) == PAIR for batch in batches)
    pairs = pairs and all(isinstance(part, Tensor) for batch in batches for part in batch)
    shapes = {tuple(part.shape[1:] for part in batch) for batch in batches} if pairs else set()
    if len(shapes) != 1:
        return list(batches), list(sizes)
    return [tuple(torch.cat(parts) for parts in zip(*batches, strict=True))], [sum(sizes)]


def _tensors(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, dict):
        yield from (tensor for part in batch.values() for tensor in _tensors(part))
    elif isinstance(batch, list | tuple):
        yield from (tensor for part in batch for tensor in _tensors(part))


def _flat(parts: Sequence[Tensor | None], weights: Sequence[nn.Parameter]) -> Tensor:
    return torch.cat(
        [
            torch.zeros_like(weight).reshape(-1) if part is None else part.reshape(-1)
            for part, weight in zip(parts, weights, strict=True)
        ]
    ).detach()


def _gradients(loss: Tensor, weights: Sequence[nn.Parameter]) -> list[Tensor | None]:
    """Give the gradient with its graph, None for a weight that the loss does not depend on."""
    return list(torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True))


def _split(vector: Tensor, weights: Sequence[nn.Parameter]) -> list[Tensor]:
    pieces = torch.split(vector, [weight.numel() for weight in weights])
    return [piece.view_as(weight) for piece, weight in zip(pieces, weights, strict=True)]
