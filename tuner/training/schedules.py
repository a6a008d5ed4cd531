"""Learning rates that change from step to step: a linear warm-up, then a shape.

A shape is a function from progress, the share of the steps behind the warm-up that are done, to the factor of
the learning rate.
"""

from collections.abc import Callable
from math import cos, inf, pi
from typing import Literal

import pytorch_lightning
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tuner.training.errors import IllegalTraining
from tuner.training.optimizer_edits import Configured, Module, OptimizerEdit, Trainer

Schedule = Literal["constant", "cosine"]


def keep_constant(_progress: float) -> float:
    """Return 1 all the way."""
    return 1.0


def fall_as_cosine(progress: float) -> float:
    """Fall from 1 to 0 along half a cosine (Loshchilov & Hutter 2017, equation 5, one cycle)."""
    return (1 + cos(pi * progress)) / 2


SHAPES: dict[Schedule, Callable[[float], float]] = {"constant": keep_constant, "cosine": fall_as_cosine}


def schedule_factor(step: int, total: int, schedule: Schedule, warmup_fraction: float) -> float:
    """Return what the learning rate is multiplied by at one optimizer step.

    The warm-up takes `w = round(warmup_fraction * total)` steps, but at least one step is left to the shape.
    Step `s < w` has the factor `(s + 1) / (w + 1)`, so no step is wasted on a rate of zero and step `w` is
    the first at the full rate. From there the shape sees a progress of `(s - w) / (total - w)`: cosine takes
    its last step, `total - 1`, just above zero, and would reach zero at step `total`, after which it stays.

    Args:
        step: index of the step, from 0.
        total: number of steps of the training.
        schedule: the shape behind the warm-up.
        warmup_fraction: share of the steps that warm up, in [0, 1).
    """
    warmup = min(round(warmup_fraction * total), total - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return SHAPES[schedule](min((step - warmup) / (total - warmup), 1.0))


class LearningRateScheduleEdit(OptimizerEdit):
    """Schedule the learning rate of every optimizer of a module step by step, as `schedule_factor` says.

    A step is one step of the optimizer, whatever `accumulate_grad_batches` is. A module with manual
    optimization steps its optimizers as it likes, so there a step is one training batch.

    Args:
        schedule: the shape behind the warm-up.
        warmup_fraction: share of all steps that warm up, in [0, 1).

    Raises:
        IllegalTraining: `warmup_fraction` lies outside [0, 1); or, when the fit begins, the module has a
        scheduler of its own
            or no optimizer, or the trainer has no end that steps could be counted to.
    """

    phase = 1

    def __init__(self, schedule: Schedule = "cosine", warmup_fraction: float = 0.05) -> None:
        super().__init__()
        if not 0 <= warmup_fraction < 1:
            raise IllegalTraining(
                f"0 <= warmup_fraction < 1 must hold, but got warmup_fraction={warmup_fraction}; name the "
                "share of all steps that warm up, such as 0.05"
            )
        self.schedule = schedule
        self.warmup_fraction = warmup_fraction
        self.stepped_by_hand: list[LambdaLR] = []

    def edit(self, trainer: Trainer, pl_module: Module, configured: Configured) -> object:
        """Add a scheduler to each optimizer."""
        self.refuse_unless_schedulable(trainer, pl_module, configured)
        total = int(trainer.estimated_stepping_batches)
        schedulers = [self.follow(optimizer, total) for optimizer in configured.optimizers]
        self.stepped_by_hand = [] if pl_module.automatic_optimization else schedulers
        return list(configured.optimizers), [
            {"scheduler": scheduler, "interval": "step"} for scheduler in schedulers
        ]

    def refuse_unless_schedulable(self, trainer: Trainer, pl_module: Module, configured: Configured) -> None:
        """Raise IllegalTraining where a schedule would have nothing to steer, two hands, or no end."""
        module = type(pl_module).__name__
        if configured.schedulers:
            raise IllegalTraining(
                f"{module} gets a learning rate scheduler from configure_optimizers and another from "
                f"{type(self).__name__}, and may have only one; remove either"
            )
        if not configured.optimizers:
            raise IllegalTraining(
                f"{module} returns no optimizer from configure_optimizers, so {type(self).__name__} has "
                "nothing to schedule; return one or remove the callback"
            )
        if not 1 <= trainer.estimated_stepping_batches < inf:
            raise IllegalTraining(
                f"{type(self).__name__} needs to know the number of steps, but the trainer has no end; set "
                "trainer.max_epochs, or trainer.max_steps if the training data has no length"
            )

    def follow(self, optimizer: Optimizer, total: int) -> LambdaLR:
        """Make the scheduler of one optimizer."""
        return LambdaLR(
            optimizer, lambda step: schedule_factor(step, total, self.schedule, self.warmup_fraction)
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Module, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Step the schedulers where Lightning leaves that to the module."""
        for scheduler in self.stepped_by_hand:
            scheduler.step()


class LearningRateSchedule(LearningRateScheduleEdit, pytorch_lightning.Callback):
    """Schedule learning rates, as `LearningRateScheduleEdit` does, under a trainer of `pytorch_lightning`."""
