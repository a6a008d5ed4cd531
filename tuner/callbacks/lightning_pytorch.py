"""Our callbacks for `lightning.pytorch`, whose LightningCLI takes subclasses of its own only.

The two Lightnings are one source under two names, so there is nothing to add. Nothing else imports this
module, because `lightning` need not be installed.
"""

import lightning.pytorch

from tuner.callbacks.averaging import WeightAverageHooks
from tuner.callbacks.constraints import MaxNormHooks, ProximalL1Hooks
from tuner.callbacks.decay import DecayTimescaleEdit
from tuner.callbacks.groups import UndecayedGroupsEdit
from tuner.callbacks.schedules import LearningRateScheduleEdit


class UndecayedGroups(UndecayedGroupsEdit, lightning.pytorch.Callback):
    """Leave norms and biases undecayed, as `UndecayedGroupsEdit` does."""


class LearningRateSchedule(LearningRateScheduleEdit, lightning.pytorch.Callback):
    """Schedule learning rates, as `LearningRateScheduleEdit` does."""


class DecayTimescale(DecayTimescaleEdit, lightning.pytorch.Callback):
    """Set the decay by its timescale, as `DecayTimescaleEdit` does."""


class ProximalL1(ProximalL1Hooks, lightning.pytorch.Callback):
    """Shrink weights to exact zeros, as `ProximalL1Hooks` does."""


class MaxNorm(MaxNormHooks, lightning.pytorch.Callback):
    """Bound the weights of each unit, as `MaxNormHooks` does."""


class WeightAverage(WeightAverageHooks, lightning.pytorch.callbacks.WeightAveraging):  # type: ignore[misc]
    """Average weights, as `WeightAverageHooks` does."""
