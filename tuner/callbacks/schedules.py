"""Learning rates that change from step to step: a linear warm-up, then a shape.

torch's schedulers hold the same shapes, but each counts steps in its own way, and chaining one behind a
warm-up warns; one formula for the factor of a step can be read, tested and resumed.
"""

from dataclasses import dataclass
from math import cos, inf, pi
from typing import Literal

import pytorch_lightning
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tuner.callbacks.optimizer_edits import Configured, Module, OptimizerEdit, Trainer
from tuner.errors import IllegalTraining

Schedule = Literal["constant", "cosine", "linear", "step", "one_cycle", "polynomial"]

DROPS = 3  # the step schedule divides the steps in as many equal parts
RISE = 0.3  # share of the steps in which one-cycle rises; this and the next two are torch's own
FIRST_FACTOR = 1 / 25  # of one-cycle
LAST_FACTOR = 1 / 25 / 1e4


@dataclass(frozen=True)
class Shape:
    """How the factor of the learning rate goes with the share of the steps done behind the warm-up.

    Args:
        schedule: `constant` stays at 1. `cosine` falls to 0 along half a cosine (Loshchilov & Hutter 2017,
            equation 5, one cycle). `linear` and `polynomial` fall to `end_factor`. `step` is multiplied by
            `gamma` after each third. `one_cycle` rises from 1 / 25 to 1 in the first 30 % and falls to
            1 / 250,000, both along half a cosine (Smith & Topin 2018, as torch's OneCycleLR has it, without
            its momentum).
        gamma: of `step`.
        power: of `polynomial`, `end_factor + (1 - end_factor) * (1 - progress) ** power`.
        end_factor: of `linear` and `polynomial`.
    """

    schedule: Schedule = "cosine"
    gamma: float = 0.3
    power: float = 1.0
    end_factor: float = 1e-2

    def factor(self, progress: float) -> float:
        """Return the factor at a progress in [0, 1]."""
        match self.schedule:
            case "constant":
                return 1.0
            case "cosine":
                return along_cosine(1.0, 0.0, progress)
            case "linear" | "polynomial":
                power = self.power if self.schedule == "polynomial" else 1.0
                return self.end_factor + (1 - self.end_factor) * float((1 - progress) ** power)
            case "step":
                # A progress of two thirds may be a digit short of it.
                return float(self.gamma ** min(int(progress * DROPS + 1e-9), DROPS - 1))
            case "one_cycle":
                return one_cycle(progress)


def one_cycle(progress: float) -> float:
    """Rise along half a cosine, then fall along another."""
    if progress < RISE:
        return along_cosine(FIRST_FACTOR, 1.0, progress / RISE)
    return along_cosine(1.0, LAST_FACTOR, (progress - RISE) / (1 - RISE))


def along_cosine(first: float, last: float, progress: float) -> float:
    """Go from `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + cos(pi * progress)) / 2


def schedule_factor(step: int, total: int, shape: Shape, warmup_fraction: float) -> float:
    """Return what the learning rate is multiplied by at one optimizer step.

    The warm-up takes `w = round(warmup_fraction * total)` steps, but at least one step is left to the shape.
    Step `s < w` has the factor `(s + 1) / (w + 1)`, so no step is wasted on a rate of zero and step `w` is
    the first at the full rate. From there the shape sees a progress of `(s - w) / (total - w)`: cosine takes
    its last step, `total - 1`, just above zero, and would reach zero at step `total`, after which it stays.

    Args:
        step: index of the step, from 0.
        total: number of steps of the training.
        shape: what follows the warm-up.
        warmup_fraction: share of the steps that warm up, in [0, 1).
    """
    warmup = min(round(warmup_fraction * total), total - 1)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return shape.factor(min((step - warmup) / (total - warmup), 1.0))


class LearningRateScheduleEdit(OptimizerEdit):
    """Schedule the learning rate of every optimizer of a module step by step, as `schedule_factor` says.

    A step is one step of the optimizer, whatever `accumulate_grad_batches` is. A module with manual
    optimization steps its optimizers as it likes, so there a step is one training batch.

    Args:
        schedule: the shape behind the warm-up, as `Shape` describes it; so are the last three arguments.
        warmup_fraction: share of all steps that warm up, in [0, 1); `one_cycle` rises by itself, and takes
            none unless it is given.
        gamma: of `step`, in (0, 1].
        power: of `polynomial`, positive.
        end_factor: of `linear` and `polynomial`, in [0, 1].

    Raises:
        IllegalTraining: an argument lies outside its range; or, when the fit begins, the module has a
            scheduler of its own or no optimizer, or the trainer has no end that steps could be counted to.
    """

    phase = 2

    def __init__(
        self,
        schedule: Schedule = "cosine",
        warmup_fraction: float | None = None,
        *,
        gamma: float = 0.3,
        power: float = 1.0,
        end_factor: float = 1e-2,
    ) -> None:
        super().__init__()
        if warmup_fraction is None:
            warmup_fraction = 0.0 if schedule == "one_cycle" else 0.05
        if not 0 <= warmup_fraction < 1:
            raise IllegalTraining(
                f"0 <= warmup_fraction < 1 must hold, but got warmup_fraction={warmup_fraction}; name the "
                "share of all steps that warm up, such as 0.05"
            )
        if not (0 < gamma <= 1 and power > 0 and 0 <= end_factor <= 1):
            raise IllegalTraining(
                "0 < gamma <= 1, power > 0 and 0 <= end_factor <= 1 must hold, but got "
                f"gamma={gamma}, power={power}, end_factor={end_factor}; change the one outside its range"
            )
        self.shape = Shape(schedule, gamma, power, end_factor)
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
        """Raise IllegalTraining where an optimizer or an end is missing, or another scheduler is there."""
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
            optimizer, lambda step: schedule_factor(step, total, self.shape, self.warmup_fraction)
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Module, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Step the schedulers where Lightning leaves that to the module."""
        for scheduler in self.stepped_by_hand:
            scheduler.step()


class LearningRateSchedule(LearningRateScheduleEdit, pytorch_lightning.Callback):
    """Schedule learning rates, as `LearningRateScheduleEdit` does, under a trainer of `pytorch_lightning`."""
