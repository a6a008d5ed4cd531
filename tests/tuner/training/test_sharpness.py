"""How sharp a loss is around weights, against the Hessian written out by torch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.training.sharpness.curvature import leading, trace
from tuner.training.sharpness.loss import LossOfWeights, NoLoss, batches_of
from tuner.training.sharpness.measure import sharpness_of
from tuner.training.sharpness.neighbourhood import RADIUS, adaptive_sharpness


class Small(nn.Module):
    """A network with batch norm and dropout, and the loss that is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3)
        )

    def plain_loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Give the mean cross-entropy."""
        return functional.cross_entropy(self.network(batch[0]), batch[1])

    forward = plain_loss


class Stepping(nn.Module):
    """A module with a training step only, whose loss is a bowl with known curvatures."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, 2.0, 4.0, 0.5, 1.0]))

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        """Give half of the sum of curvatures times squared weights."""
        return {"loss": 0.5 * (torch.tensor([5.0, 3.0, 2.0, 1.0, -1.0]) * self.w**2).sum() * batch.mean()}


@pytest.fixture(scope="module")
def trained() -> Iterator[tuple[Small, Tensor, Tensor]]:
    """A small network trained on drawn samples, and the samples."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = torch.randn(200, 6)
        y = (x[:, 0] + 0.5 * torch.randn(200) > 0).long() + (x[:, 1] > 1).long()
        module = Small()
        optimizer = torch.optim.Adam(module.parameters(), 1e-2)
        for _ in range(150):
            optimizer.zero_grad()
            module.plain_loss((x, y)).backward()
            optimizer.step()
        yield module.eval(), x, y


def _hessian(module: nn.Module, batch: Any) -> Tensor:
    """Write the Hessian out, by torch's own function on the weights as one vector."""
    names, weights = zip(*module.named_parameters(), strict=True)

    def loss(vector: Tensor) -> Tensor:
        parts = torch.split(vector, [weight.numel() for weight in weights])
        values = {name: part.view_as(w) for name, part, w in zip(names, parts, weights, strict=True)}
        return torch.func.functional_call(module, values, (batch,))

    vector = torch.cat([weight.detach().reshape(-1) for weight in weights])
    return torch.autograd.functional.hessian(loss, vector)


def test_eigenvalue_and_trace_are_those_of_the_hessian(trained: tuple[Small, Tensor, Tensor]) -> None:
    """Over batches of unlike sizes the eigenvalue is right within 1 %, the trace within 5 %."""
    module, x, y = trained
    exact = _hessian(module, (x, y))
    loss = LossOfWeights(module, [(x[:70], y[:70]), (x[70:], y[70:])], [70, 130])
    largest, direction = leading(loss, 0)
    whole, error = trace(loss, 0, (largest, direction))
    assert largest == pytest.approx(float(torch.linalg.eigvalsh(exact)[-1]), rel=0.01)
    assert whole == pytest.approx(float(exact.trace()), rel=0.05)
    assert error < 0.05 * whole
    assert float(direction @ exact @ direction) == pytest.approx(largest, rel=0.01)


def test_measuring_leaves_the_weights_as_they_are(trained: tuple[Small, Tensor, Tensor]) -> None:
    """After everything that moves them the weights are the same to the bit, and the answer repeats itself."""
    module, x, y = trained
    before = [weight.detach().clone() for weight in module.parameters()]
    first, second = (sharpness_of(LossOfWeights(module, [(x, y)], [200]), 0) for _ in range(2))
    assert all(torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    middle = len(first["along"]) // 2
    assert first["along"][middle] == [pytest.approx(0.0, abs=1e-12), pytest.approx(first["loss"], rel=1e-5)]
    assert not module.training


def test_adaptive_sharpness_is_the_highest_loss_within_the_radius(
    trained: tuple[Small, Tensor, Tensor],
) -> None:
    """No place that is drawn within the radius is higher, and what is found is not below the best drawn."""
    module, x, y = trained
    loss = LossOfWeights(module, [(x, y)], [200])
    found = adaptive_sharpness(loss, 0)
    start, weights, generator = loss.value(), loss.vector(), torch.Generator().manual_seed(1)
    highest = 0.0
    with loss.moved() as move:
        for _ in range(300):
            step = torch.randn(loss.size, generator=generator)
            move(RADIUS * step / step.norm() * weights.abs())
            highest = max(highest, loss.value() - start)
    assert found > highest > 0


def test_adaptive_sharpness_does_not_change_when_weights_are_rescaled(
    trained: tuple[Small, Tensor, Tensor],
) -> None:
    """A factor that one layer gains and batch norm takes away changes the eigenvalue, and not this."""
    module, x, y = trained
    other = Small().eval()
    other.load_state_dict(module.state_dict())
    with torch.no_grad():
        other.network[0].weight *= 8
        other.network[0].bias *= 8
        other.network[1].running_mean *= 8
        other.network[1].running_var *= 64
        other.network[1].running_var += 63e-5  # of which batch norm's epsilon is a part
    plain, scaled = (LossOfWeights(each, [(x, y)], [200]) for each in (module, other))
    assert scaled.value() == pytest.approx(plain.value(), rel=1e-4)
    assert adaptive_sharpness(scaled, 0) == pytest.approx(adaptive_sharpness(plain, 0), rel=0.05)
    assert leading(scaled, 0)[0] != pytest.approx(leading(plain, 0)[0], rel=0.01)


def test_a_module_without_a_plain_loss_is_measured_by_its_training_step() -> None:
    """The loss of its training step has the curvatures that were written into it."""
    loss = LossOfWeights(Stepping(), [torch.ones(4)], [4])
    largest, direction = leading(loss, 0)
    assert largest == pytest.approx(5.0, rel=1e-3)
    assert trace(loss, 0, (largest, direction))[0] == pytest.approx(10.0, rel=0.05)
    assert not loss.is_plain


def test_what_has_no_loss_is_refused() -> None:
    """No weights, no loss or no batch are each a sentence, and no number."""
    with pytest.raises(NoLoss, match="no weights"):
        LossOfWeights(nn.Identity(), [torch.ones(1)], [1])
    silent = Stepping()
    silent.training_step = lambda batch, batch_idx: None  # type: ignore[method-assign]
    with pytest.raises(NoLoss, match="no loss"):
        LossOfWeights(silent, [torch.ones(1)], [1]).value()
    with pytest.raises(NoLoss, match="no batch"):
        batches_of([])
    broken = LossOfWeights(Stepping(), [torch.full((4,), np.nan)], [4])
    with pytest.raises(NoLoss, match="not finite"):
        leading(broken, 0)
