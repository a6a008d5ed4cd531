"""Our callbacks and data for `lightning.pytorch`, whose LightningCLI takes subclasses of its own only.

The two Lightnings are one source under two names, so a twin has nothing to add. Nothing else imports this
module, because `lightning` need not be installed.
"""

import lightning.pytorch

from tuner.callbacks.averaging import WeightAverageHooks
from tuner.callbacks.constraints import MaxNormHooks, ProximalL1Hooks
from tuner.callbacks.decay import DecayTimescaleEdit
from tuner.callbacks.groups import UndecayedGroupsEdit
from tuner.callbacks.schedules import LearningRateScheduleEdit
from tuner.data.diabetes import DiabetesHooks
from tuner.data.digits import DigitsHooks
from tuner.data.fashion import FashionMNISTHooks
from tuner.data.table import TableHooks


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


class Digits(DigitsHooks, lightning.pytorch.LightningDataModule):
    """Hand out scikit-learn's digits, as `DigitsHooks` does."""


class Diabetes(DiabetesHooks, lightning.pytorch.LightningDataModule):
    """Hand out scikit-learn's diabetes data, as `DiabetesHooks` does."""


class FashionMNIST(FashionMNISTHooks, lightning.pytorch.LightningDataModule):
    """Hand out Fashion-MNIST, as `FashionMNISTHooks` does."""


class Table(TableHooks, lightning.pytorch.LightningDataModule):
    """Hand out the rows of a table, as `TableHooks` does."""
