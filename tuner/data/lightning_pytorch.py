"""Our data for `lightning.pytorch`, whose LightningCLI takes subclasses of its own only.

The two Lightnings are one source under two names, so there is nothing to add. Nothing else imports this
module, because `lightning` need not be installed.
"""

import lightning.pytorch

from tuner.data.diabetes import DiabetesHooks
from tuner.data.digits import DigitsHooks
from tuner.data.fashion import FashionMNISTHooks
from tuner.data.table import TableHooks


class Digits(DigitsHooks, lightning.pytorch.LightningDataModule):
    """Hand out scikit-learn's digits, as `DigitsHooks` does."""


class Diabetes(DiabetesHooks, lightning.pytorch.LightningDataModule):
    """Hand out scikit-learn's diabetes data, as `DiabetesHooks` does."""


class FashionMNIST(FashionMNISTHooks, lightning.pytorch.LightningDataModule):
    """Hand out Fashion-MNIST, as `FashionMNISTHooks` does."""


class Table(TableHooks, lightning.pytorch.LightningDataModule):
    """Hand out the rows of a table, as `TableHooks` does."""
