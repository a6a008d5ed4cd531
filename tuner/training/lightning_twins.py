"""Our callbacks and data for `lightning.pytorch`, whose LightningCLI takes subclasses of its own only.

The two Lightnings are one source under two names, so a twin has nothing to add. Nothing else imports this
module, because `lightning` need not be installed.
"""

import lightning.pytorch

from tuner.training.data import DigitsHooks
from tuner.training.groups import UndecayedGroupsEdit
from tuner.training.schedules import LearningRateScheduleEdit


class UndecayedGroups(UndecayedGroupsEdit, lightning.pytorch.Callback):
    """Leave norms and biases undecayed, as `UndecayedGroupsEdit` does."""


class LearningRateSchedule(LearningRateScheduleEdit, lightning.pytorch.Callback):
    """Schedule learning rates, as `LearningRateScheduleEdit` does."""


class Digits(DigitsHooks, lightning.pytorch.LightningDataModule):
    """Hand out scikit-learn's digits, as `DigitsHooks` does."""
