"""What is done to the weights right after each step of the optimizer: exact zeros by L1, and max-norm."""

from math import sqrt
from typing import Any

import pytorch_lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from tuner.training.errors import IllegalTraining
from tuner.training.groups import undecayed_parameters
from tuner.training.optimizer_edits import Module, Trainer

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
    is scaled like a gradient: divided by 1 - momentum for SGD, whose momentum sums gradients up, and by the
    root of the mean squared gradient for Adam, AdamW, NAdam and RMSprop (Yun et al. 2021, ProxGen, algorithm
    1).

    Args:
        strength: in loss a unit of weight, not negative.

    Raises:
        IllegalTraining: `strength` is negative.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        if not strength >= 0:
            raise IllegalTraining(f"strength >= 0 must hold, but got strength={strength}; 0 turns L1 off")
        self.strength = strength

    def change(self, optimizer: Optimizer, group: Group, weights: list[nn.Parameter]) -> None:
        """Shrink the weights, those that were part of the step."""
        step = self.strength * float(group["lr"])
        for weight in weights:
            if weight.grad is not None:
                threshold = gradient_scale(group, optimizer.state[weight], weight) * step
                # What lies within the threshold is taken from itself, which leaves an exact zero.
                weight.sub_(weight.clamp(-threshold, threshold))


def gradient_scale(group: Group, state: dict[str, Any], weight: Tensor) -> Tensor:
    """Tell how much a gradient that stays the same moves a weight in a step, in units of lr.

    One number, or one for each element of the weight. An optimizer that is not known here is taken for plain
    SGD.
    """
    if "exp_avg_sq" in state and "betas" in group:  # Adam, AdamW, NAdam
        squares: Tensor = state.get("max_exp_avg_sq", state["exp_avg_sq"])
        correction = sqrt(1 - float(group["betas"][1]) ** float(state["step"]))
        return correction / (squares.sqrt() + correction * float(group["eps"]))
    summed = (1 - float(group.get("dampening", 0.0))) / (1 - float(group.get("momentum", 0.0)))
    if "square_avg" in state:  # RMSprop
        means: Tensor = state["square_avg"]
        return summed / (means.sqrt() + float(group["eps"]))
    return weight.new_tensor(summed)


class MaxNormHooks(AfterEachStep):
    """Scale down the weights that lead into a unit if their length is above `limit` (Srebro et al. 2005).

    A unit is a row of a linear layer or a filter of a convolution: the first dimension of the weight.

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
