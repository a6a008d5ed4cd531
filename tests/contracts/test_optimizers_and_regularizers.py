"""The contract of regularizers: with every optimizer of torch each is right, or refused by a sentence."""

import inspect
from typing import Any

import pytest
import pytorch_lightning
import torch
from torch import nn
from torch.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)
from torch.utils.data import DataLoader, TensorDataset

from tests.tuner.training.probes import IN_MEMORY, QUIET
from tuner.callbacks.constraints import MaxNorm, ProximalL1
from tuner.callbacks.decay import DecayTimescale
from tuner.callbacks.step_rules import RULES
from tuner.errors import IllegalTraining

pytestmark = IN_MEMORY

TARGETS = (1.0, -0.5, 0.3, -0.2, 0.05)
STRENGTH = 0.25
STEPS = 4000
TORCHS = {
    name: cls
    for name, cls in vars(torch.optim).items()
    if inspect.isclass(cls) and issubclass(cls, Optimizer) and cls is not Optimizer
}
# Adaptive optimizers move on by about lr for ever, so their rate falls to zero.
FALLING = (RMSprop, Adam, AdamW, NAdam, RAdam, Adamax)
VARIANTS: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "SGD": (SGD, {"lr": 0.1}),
    "SGD, maximize": (SGD, {"lr": 0.1, "maximize": True}),
    "SGD, momentum": (SGD, {"lr": 0.05, "momentum": 0.9}),
    "SGD, Nesterov": (SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "SGD, dampened": (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "SGD, dampened without momentum": (SGD, {"lr": 0.1, "dampening": 0.5}),
    "RMSprop": (RMSprop, {"lr": 0.01}),
    "RMSprop, momentum": (RMSprop, {"lr": 0.005, "momentum": 0.5}),
    "RMSprop, centred": (RMSprop, {"lr": 0.005, "centered": True}),
    "Adam": (Adam, {"lr": 0.01}),
    "Adam, AMSGrad": (Adam, {"lr": 0.01, "amsgrad": True}),
    "Adam, a large eps": (Adam, {"lr": 0.01, "eps": 0.1}),
    "AdamW": (AdamW, {"lr": 0.01, "weight_decay": 0.0}),
    "NAdam": (NAdam, {"lr": 0.01}),
    "RAdam": (RAdam, {"lr": 0.01}),
    "Adamax": (Adamax, {"lr": 0.01}),
    "Adagrad": (Adagrad, {"lr": 0.1}),
    "Adagrad, a falling rate": (Adagrad, {"lr": 0.1, "lr_decay": 1e-3}),
    "Adadelta": (Adadelta, {"lr": 1.0}),
    "ASGD": (ASGD, {"lr": 0.1, "lambd": 0.0}),
    "ASGD, a falling rate": (ASGD, {"lr": 0.1, "lambd": 1e-4}),
}


def minimized(make: type[Optimizer], arguments: dict[str, Any]) -> list[float]:
    """Minimize (w - t)^2 / 2 + s |w| by an optimizer and the proximal step, from far away."""
    targets = torch.tensor(TARGETS)
    weight = nn.Parameter(targets.flip(0))
    optimizer = make([weight], **arguments)
    ProximalL1(STRENGTH).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    sign = -1 if arguments.get("maximize") else 1
    for step in range(STEPS):
        if issubclass(make, FALLING):
            optimizer.param_groups[0]["lr"] = arguments["lr"] * (1 - step / STEPS)
        weight.grad = sign * (weight.detach() - targets)
        optimizer.step()
    found: list[float] = weight.detach().tolist()
    return found


@pytest.mark.parametrize("name", list(VARIANTS))
def test_the_minimum_is_that_of_loss_and_l1_whatever_the_optimizer(name: str) -> None:
    """Of (w - t)^2 / 2 + s |w| that is t moved towards zero by s, and exactly zero where |t| < s."""
    found = minimized(*VARIANTS[name])
    assert found == pytest.approx([0.75, -0.25, 0.05, 0.0, 0.0], abs=1e-3)
    assert found[-2:] == [0, 0]


@pytest.mark.parametrize("make", [SGD, RMSprop, Adam, NAdam, RAdam, Adamax, Adagrad, Adadelta])
def test_coupled_decay_and_l1_add_up(make: type[Optimizer]) -> None:
    """With c w^2 / 2 in the loss as well, each weight that is left ends at (t - s) / (1 + c)."""
    lr = {Adagrad: 0.1, SGD: 0.1, Adadelta: 1.0}.get(make, 0.01)
    found = minimized(make, {"lr": lr, "weight_decay": 0.5})
    assert found == pytest.approx([0.5, -0.25 / 1.5, 0.05 / 1.5, 0.0, 0.0], abs=1e-3)


def test_every_optimizer_of_torch_has_a_tested_rule_or_is_refused_by_l1() -> None:
    """A class that torch adds is refused until somebody knows its step."""
    tested = {make for make, _ in VARIANTS.values()}
    for name, cls in TORCHS.items():
        if cls in tested:
            continue
        weight = nn.Parameter(torch.ones(2, 2))
        optimizer = cls([weight])
        with pytest.raises(IllegalTraining, match=rf"but got {name}; choose one of these"):
            ProximalL1(STRENGTH).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    assert {cls for cls, rule in RULES.items() if rule.scale is not None} == tested


class Renamed(AdamW):
    """A subclass that steps as AdamW does."""


class Ascending(SGD):
    """A subclass whose step is its own."""

    def step(self, closure: Any = None) -> Any:
        """Step twice."""
        super().step(closure)
        return super().step(closure)


class Foreign(Optimizer):
    """An optimizer of somebody else, whose options look like Adam's."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1})

    def step(self, closure: Any = None) -> Any:
        """Do nothing."""


@pytest.mark.parametrize("make", [Ascending, Foreign])
def test_no_optimizer_is_taken_for_another(make: Any) -> None:
    """A step that is not torch's own is refused, whatever its options are called."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = make([weight])
    with pytest.raises(IllegalTraining, match=f"but got {make.__name__}; choose"):
        ProximalL1(STRENGTH).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    ProximalL1(0.0).follow(optimizer, [(optimizer.param_groups[0], [weight])])  # does nothing, so it may


def test_a_subclass_that_inherits_its_step_is_known() -> None:
    """What makes an optimizer known is its step, and not its name."""
    found = minimized(Renamed, {"lr": 0.01, "weight_decay": 0.0})
    assert found == pytest.approx([0.75, -0.25, 0.05, 0.0, 0.0], abs=1e-3)


class Still(pytorch_lightning.LightningModule):
    """A matrix whose gradient is always zero."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(2, 2, dtype=torch.double))
        self.make = make

    def training_step(self, batch: Any) -> Any:
        """Ask for nothing."""
        return (self.matrix * 0).sum()

    def configure_optimizers(self) -> Optimizer:
        """Make the optimizer."""
        optimizer: Optimizer = self.make([self.matrix])
        return optimizer

    def train_dataloader(self) -> Any:
        """Give ten batches."""
        return DataLoader(TensorDataset(torch.zeros(10, 1)))


FORGETTING: dict[str, Any] = {
    **{name: cls for name, cls in TORCHS.items() if name not in {"SparseAdam", "LBFGS"}},
    "SGD, momentum": lambda weights: SGD(weights, 0.01, momentum=0.5, dampening=0.2),
    "SGD, Nesterov": lambda weights: SGD(weights, 0.01, momentum=0.5, nesterov=True),
    "Adam, decoupled": lambda weights: Adam(weights, decoupled_weight_decay=True),
    "NAdam, decoupled": lambda weights: NAdam(weights, decoupled_weight_decay=True),
    "RAdam, decoupled": lambda weights: RAdam(weights, decoupled_weight_decay=True),
    "renamed": Renamed,
}
RIGHT = {"SGD", "AdamW", "Adafactor", "Muon", "renamed", *(name for name in FORGETTING if "," in name)}


@pytest.mark.parametrize("name", [*FORGETTING, "Foreign", "LBFGS"])
def test_weights_forget_in_the_timescale_or_the_decay_is_refused(name: str) -> None:
    """Without gradients, a share of e^-1 of the weights is left after the timescale, with every optimizer."""
    make = {"Foreign": Foreign, "LBFGS": torch.optim.LBFGS, **FORGETTING}[name]
    module = Still(make)
    epochs = 30
    trainer = pytorch_lightning.Trainer(**QUIET, max_epochs=epochs, callbacks=[DecayTimescale(10.0)])
    if name not in RIGHT:
        with pytest.raises(IllegalTraining, match="DecayTimescale needs a weight decay that shrinks"):
            trainer.fit(module)
        return
    trainer.fit(module)
    kept = float(module.matrix.detach()[0, 0])
    assert kept == pytest.approx((1 - 1 / 100) ** 300, rel=0.03)  # momentum needs some steps to sum it up


@pytest.mark.parametrize("name", list(TORCHS))
def test_no_optimizer_leaves_the_bound_of_max_norm(name: str) -> None:
    """After each step of any optimizer no row is longer than the bound."""
    weight = nn.Parameter(torch.ones(3, 2))
    optimizer = TORCHS[name]([weight], lr=0.5)
    MaxNorm(1.0).follow(optimizer, [(optimizer.param_groups[0], [weight])])

    def closure() -> Any:
        gradient = weight.detach() - 3.0
        weight.grad = gradient.to_sparse(1) if name == "SparseAdam" else gradient
        return (gradient**2).sum() / 2

    for _ in range(5):
        optimizer.step(closure)
        assert (weight.detach().norm(dim=1) <= 1 + 1e-5).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_finds_the_best_weights_within_the_bound(momentum: float) -> None:
    """Of |w - t|^2 / 2 with |w| <= c that is t scaled down to the length c."""
    targets = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    weight = nn.Parameter(torch.tensor([[1.0, -1.0], [1.0, 1.0]]))
    optimizer = SGD([weight], 0.02, momentum=momentum)
    MaxNorm(1.0).follow(optimizer, [(optimizer.param_groups[0], [weight])])
    for _ in range(1000):
        weight.grad = weight.detach() - targets
        optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.tensor([[0.6, 0.8], [0.3, 0.4]]), atol=1e-3, rtol=0)
