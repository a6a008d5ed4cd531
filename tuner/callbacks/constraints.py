"""What is done to the weights right after each step of the optimizer: exact zeros by L1, and max-norm."""

from typing import Any

import pytorch_lightning
import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from tuner.callbacks.groups import undecayed_parameters
from tuner.callbacks.optimizer_edits import Module, Trainer
from tuner.callbacks.step_rules import SCALED, Scale, rule_of
from tuner.errors import IllegalTraining

Group = dict[str, Any]  # one of an optimizer's


class AfterEachStep:
    """The hooks of a callback of either Lightning that changes weights after each step of an optimizer.

    The step is the optimizer's own (torch's post hook), so accumulated gradients, several optimizers and
    manual optimization need no care. Norms and biases are left alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.handles: list[RemovableHandle] = []

    def change(self, optimizer: Optimizer, group: Group, weights: list[nn.Parameter]) -> None:
        """Change the weights of one parameter group in place; autograd is off."""
        raise NotImplementedError

    def on_train_start(self, trainer: Trainer, pl_module: Module) -> None:
        """Follow every optimizer."""
        self.let_go()
        exempt = set(undecayed_parameters(pl_module))
        for optimizer in trainer.optimizers:
            groups = [
                (group, [weight for weight in group["params"] if weight not in exempt])
                for group in optimizer.param_groups
            ]
            self.follow(optimizer, [(group, weights) for group, weights in groups if weights])

    def follow(self, optimizer: Optimizer, groups: list[tuple[Group, list[nn.Parameter]]]) -> None:
        """Have the weights of one optimizer changed after each of its steps."""

        @torch.no_grad()
        def after_step(*_: object) -> None:
            for group, weights in groups:
                self.change(optimizer, group, weights)

        self.handles.append(optimizer.register_step_post_hook(after_step))

    def teardown(self, trainer: Trainer, pl_module: Module, stage: str) -> None:
        """Leave the optimizers alone."""
        self.let_go()

    def on_exception(self, trainer: Trainer, pl_module: Module, exception: BaseException) -> None:
        """Leave the optimizers alone; Lightning calls no `teardown` for a fit that failed."""
        self.let_go()

    def let_go(self) -> None:
        """Follow no optimizer any more."""
        for handle in self.handles:
            handle.remove()
        self.handles.clear()


class ProximalL1Hooks(AfterEachStep):
    """Add `strength` times the sum of absolute weights to the loss, by a proximal step: exact zeros come out.

    After a step each weight moves towards zero by the threshold `strength * lr` and stays there if it would
    pass it. So that the minimum is that of the loss and the L1 term whatever the optimizer is, the threshold
    is scaled like a gradient that stays the same (Yun et al. 2021, ProxGen, algorithm 1): `step_rules` tells
    how each optimizer of torch scales it.

    Args:
        strength: in loss a unit of weight, not negative.

    Raises:
        IllegalTraining: `strength` is negative; or, when the fit begins, the step of an optimizer is no such
            product of a scale and a gradient, or not known, or weights are complex.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        if not strength >= 0:
            raise IllegalTraining(f"strength >= 0 must hold, but got strength={strength}; 0 turns L1 off")
        self.strength = strength
        self.scales: dict[Optimizer, Scale] = {}

    def follow(self, optimizer: Optimizer, groups: list[tuple[Group, list[nn.Parameter]]]) -> None:
        """Have the weights of one optimizer shrunk, if it is known how it scales a gradient."""
        if not (self.strength and groups):
            return
        rule = rule_of(optimizer)
        if rule is None or rule.scale is None:
            raise IllegalTraining(
                f"ProximalL1 needs an optimizer whose step is a known scale times the gradient "
                f"({', '.join(SCALED)}), but got {type(optimizer).__name__}; choose one of these, or add the "
                f"absolute weights to the loss"
            )
        if any(weight.is_complex() for _, weights in groups for weight in weights):
            raise IllegalTraining("ProximalL1 takes real weights, but got complex ones; leave it out")
        self.scales[optimizer] = rule.scale
        super().follow(optimizer, groups)

    def change(self, optimizer: Optimizer, group: Group, weights: list[nn.Parameter]) -> None:
        """Shrink the weights, those that were part of the step."""
        step, scale = self.strength * float(group["lr"]), self.scales[optimizer]
        for weight in weights:
            if weight.grad is not None:
                threshold = torch.as_tensor(scale(group, optimizer.state.get(weight, {}), weight)) * step
                threshold = threshold.to(weight.device, weight.dtype)
                # What lies within the threshold is taken from itself, which leaves an exact zero.
                weight.sub_(weight.clamp(-threshold, threshold))


class MaxNormHooks(AfterEachStep):
    """Scale down the weights that lead into a unit if their length is above `limit` (Srebro et al. 2005).

    A unit is a row of a linear layer or a filter of a convolution: the first dimension of the weight. The
    bound holds after each step of any optimizer. SGD finds the best weights within the bound; adaptive
    optimizers, which rescale each weight, come to others on the bound.

    Args:
        limit: the largest Euclidean length, positive.

    Raises:
        IllegalTraining: `limit` is not positive.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        if not limit > 0:
            raise IllegalTraining(f"limit > 0 must hold, but got limit={limit}; 3 is usual")
        self.limit = limit

    def change(self, optimizer: Optimizer, group: Group, weights: list[nn.Parameter]) -> None:
        """Scale the rows of every matrix."""
        for weight in weights:
            if weight.ndim > 1:
                weight.renorm_(p=2, dim=0, maxnorm=self.limit)


class ProximalL1(ProximalL1Hooks, pytorch_lightning.Callback):
    """Shrink weights to exact zeros, as `ProximalL1Hooks` does, for `pytorch_lightning`."""


class MaxNorm(MaxNormHooks, pytorch_lightning.Callback):
    """Bound the weights of each unit, as `MaxNormHooks` does, for `pytorch_lightning`."""
