"""Exact zeros by L1 and bounded norms, for each optimizer."""

from typing import Any

import pytest
import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, NAdam, Optimizer, RMSprop

from tests.tuner.training.own_modules import ManualModule, OwnModule
from tests.tuner.training.probes import IN_MEMORY, QUIET
from tuner.training.constraints import MaxNorm, ProximalL1
from tuner.training.errors import IllegalTraining
from tuner.training.groups import NORM_LAYERS

pytestmark = IN_MEMORY

TARGETS = (1.0, -0.5, 0.3, -0.2, 0.05)
STRENGTH = 0.25
OPTIMIZERS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "plain sgd": (SGD, {"lr": 0.1}),
    "momentum": (SGD, {"lr": 0.02, "momentum": 0.9}),
    "nesterov": (SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    "dampened": (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "rmsprop": (RMSprop, {"lr": 0.002}),
    "rmsprop with momentum": (RMSprop, {"lr": 0.0005, "momentum": 0.5}),
    "adam": (Adam, {"lr": 0.003}),
    "amsgrad": (Adam, {"lr": 0.01, "amsgrad": True}),
    "adamw": (AdamW, {"lr": 0.003, "weight_decay": 0.0}),
    "nadam": (NAdam, {"lr": 0.003, "decoupled_weight_decay": True}),
}


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_the_minimum_is_that_of_loss_and_l1_whatever_the_optimizer(name: str) -> None:
    """Of (w - t)^2 / 2 + s |w| that is t moved towards zero by s, and exactly zero where |t| < s."""
    make, arguments = OPTIMIZERS[name]
    weight = nn.Parameter(torch.tensor(TARGETS).flip(0))
    optimizer = make([weight], **arguments)
    ProximalL1(STRENGTH).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    for _ in range(3000):
        optimizer.zero_grad(set_to_none=False)
        weight.grad = weight.detach() - torch.tensor(TARGETS)
        optimizer.step()
    found = weight.detach()
    assert found.tolist() == pytest.approx([0.75, -0.25, 0.05, 0.0, 0.0], abs=0.01)
    assert (found[-2:] == 0).all()


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
