"""Exact zeros by L1 and bounded norms in a fit; each optimizer's minimum is a contract of its own."""

from typing import Any

import pytest
import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.optim import SGD

from tests.tuner.training.own_modules import ManualModule, OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET
from tuner.callbacks.constraints import MaxNorm, ProximalL1
from tuner.callbacks.groups import NORM_LAYERS
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY


def fitted(module: OwnModule | ManualModule, *callbacks: pytorch_lightning.Callback) -> list[Tensor]:
    """Fit a module for ten batches, and return the weights of its linear layers."""
    pytorch_lightning.Trainer(**QUIET, max_epochs=1, callbacks=list(callbacks)).fit(module)
    return [layer.weight for layer in module.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize("make", [OwnModule, ManualModule])
def test_weights_are_changed_after_any_step_and_norms_never(make: type[OwnModule | ManualModule]) -> None:
    """Steps that the module takes by hand count as well; norms and biases keep their values."""
    module = make()
    assert not any(weight.any() for weight in fitted(module, ProximalL1(1e3)))
    norms = [layer for layer in module.modules() if isinstance(layer, NORM_LAYERS)]
    assert norms
    assert all(norm.weight.all() for norm in norms)


def test_rows_are_bounded_and_short_ones_stay() -> None:
    """Only a unit whose weights are too long is scaled, and it keeps its direction."""
    weight = nn.Parameter(torch.tensor([[3.0, 4.0], [0.3, 0.4]]))
    optimizer = SGD([weight], lr=0.0)
    MaxNorm(2.0).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([[1.2, 1.6], [0.3, 0.4]]))


def test_a_fit_that_is_over_leaves_its_optimizer_alone() -> None:
    """Neither an end nor an error leaves the callback behind in the optimizer."""
    for fails in (False, True):
        module, callback = OwnModule(), ProximalL1(1e3)
        if fails:
            module.on_train_epoch_end = lambda: 1 / 0
            with pytest.raises(ZeroDivisionError):
                fitted(module, callback)
        else:
            fitted(module, callback)
        assert callback.handles == []


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda: ProximalL1(-1.0), "strength >= 0 must hold"), (lambda: MaxNorm(0.0), "limit > 0 must hold")],
)
def test_a_constraint_has_its_range(make: Any, said: str) -> None:
    """A negative strength or a bound of zero is refused with the rule."""
    with pytest.raises(IllegalTraining, match=said):
        make()
