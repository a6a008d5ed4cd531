"""What each optimizer of torch does with a gradient that stays the same, and with its weight decay.

A proximal step and a decay by its timescale are right only for an optimizer whose step is known, so
whatever is not in this table is refused by those who ask.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

from torch import Tensor
from torch.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Muon,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)

Group: TypeAlias = Mapping[str, Any]  # one of an optimizer's
State: TypeAlias = Mapping[str, Any]  # what an optimizer keeps of one weight
Scale: TypeAlias = Callable[[Group, State, Tensor], Tensor | float]
Decay: TypeAlias = Callable[[Group], float | None]


@dataclass(frozen=True)
class StepRule:
    """How one class of optimizers steps.

    `scale` tells, right after a step, how far the step moved a weight for each unit of a gradient that stays
    the same, in units of lr: one number, or one for each element. None where a step is no such product: its
    length does not follow the gradient's (Rprop), its elements depend on each other (Muon), or it is clipped
    (Adafactor).

    `decay` tells by which share of `lr * weight_decay` a step shrinks a weight without a gradient, momentum
    included; None where the decay is rescaled with the gradient, so that no such share exists.
    """

    scale: Scale | None
    decay: Decay


def rule_of(optimizer: Optimizer) -> StepRule | None:
    """Find the rule of an optimizer; None where its step is not known.

    A subclass has the rule of the class whose `step` it inherits.
    """
    step = _step_of(type(optimizer))
    return next((rule for known, rule in RULES.items() if _step_of(known) is step), None)


def _step_of(cls: type[Optimizer]) -> object:
    # torch wraps the `step` of a class when its first optimizer is made.
    return inspect.unwrap(cls.step)


def _summed(group: Group) -> float:
    """Sum up what momentum makes of a gradient that stays the same."""
    # Without momentum torch dampens nothing.
    if not group.get("momentum"):
        return 1.0
    return (1 - float(group.get("dampening", 0.0))) / (1 - float(group.get("momentum", 0.0)))


def _sgd(group: Group, state: State, weight: Tensor) -> float:
    return _summed(group)


def _asgd(group: Group, state: State, weight: Tensor) -> float:
    before = float(state["step"]) - 1
    return float((1 + float(group["lambd"]) * float(group["lr"]) * before) ** -float(group["alpha"]))


def _rmsprop(group: Group, state: State, weight: Tensor) -> Tensor:
    squares: Tensor = state["square_avg"]
    if group["centered"]:
        squares = (squares - state["grad_avg"] ** 2).clamp(min=0)
    scale: Tensor = _summed(group) / (squares.sqrt() + float(group["eps"]))
    return scale


def _adam(group: Group, state: State, weight: Tensor) -> Tensor:
    squares: Tensor = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    return 1 / ((squares / _bias(group, state, 1)).sqrt() + float(group["eps"]))


def _nadam(group: Group, state: State, weight: Tensor) -> Tensor:
    beta, decay = float(group["betas"][0]), float(group["momentum_decay"])
    step, product = float(state["step"]), float(state["mu_product"])
    now, then = (beta * (1 - 0.5 * 0.96 ** (number * decay)) for number in (step, step + 1))
    summed = (1 - now) / (1 - product) + then * _bias(group, state, 0) / (1 - product * then)
    scale: Tensor = summed / ((state["exp_avg_sq"] / _bias(group, state, 1)).sqrt() + float(group["eps"]))
    return scale


def _radam(group: Group, state: State, weight: Tensor) -> Tensor | float:
    # Liu et al. 2020, algorithm 2: the first steps are not adaptive.
    beta, step, bias = float(group["betas"][1]), float(state["step"]), _bias(group, state, 1)
    longest = 2 / (1 - beta) - 1
    length = longest - 2 * step * beta**step / bias
    if length <= 5:  # noqa: PLR2004 - torch's bound; the paper has 4
        return 1.0
    rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    scale: Tensor = sqrt(rectified * bias) / (state["exp_avg_sq"].sqrt() + float(group["eps"]))
    return scale


def _adamax(group: Group, state: State, weight: Tensor) -> Tensor:
    scale: Tensor = 1 / state["exp_inf"]
    return scale


def _adagrad(group: Group, state: State, weight: Tensor) -> Tensor:
    slowed = 1 + (float(state["step"]) - 1) * float(group["lr_decay"])
    scale: Tensor = 1 / (slowed * (state["sum"].sqrt() + float(group["eps"])))
    return scale


def _adadelta(group: Group, state: State, weight: Tensor) -> Tensor:
    # The step took the mean of the squared updates as it was before this update joined it.
    rho, eps = float(group["rho"]), float(group["eps"])
    squares: Tensor = state["square_avg"] + eps
    gradient = weight.grad if weight.grad is not None else 0.0
    share = (gradient + float(group["weight_decay"]) * weight) ** 2 / squares
    before = (state["acc_delta"] - (1 - rho) * eps * share) / (rho + (1 - rho) * share)
    scale: Tensor = ((before.clamp(min=0) + eps) / squares).sqrt()
    return scale


def _bias(group: Group, state: State, which: int) -> float:
    """Tell how much of a mean that began at zero the steps so far have filled."""
    return float(1 - float(group["betas"][which]) ** float(state["step"]))


def _always(group: Group) -> float | None:
    return 1.0


def _never(group: Group) -> float | None:
    return None


def _if_decoupled(group: Group) -> float | None:
    return 1.0 if group["decoupled_weight_decay"] else None


RULES: Mapping[type[Optimizer], StepRule] = {
    SGD: StepRule(
        _sgd, _summed
    ),  # its decay is coupled and not rescaled, so it is summed up as gradients are
    RMSprop: StepRule(_rmsprop, _never),
    Adam: StepRule(_adam, _if_decoupled),
    AdamW: StepRule(_adam, _if_decoupled),
    NAdam: StepRule(_nadam, _if_decoupled),
    RAdam: StepRule(_radam, _if_decoupled),
    Adamax: StepRule(_adamax, _never),
    Adagrad: StepRule(_adagrad, _never),
    Adadelta: StepRule(_adadelta, _never),
    ASGD: StepRule(_asgd, _never),
    Adafactor: StepRule(None, _always),
    Muon: StepRule(None, _always),
}
SCALED = tuple(known.__name__ for known, rule in RULES.items() if rule.scale is not None)
