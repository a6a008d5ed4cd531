"""The handwritten digits that scikit-learn ships."""

import torch
from pytorch_lightning import LightningDataModule
from sklearn.datasets import load_digits

from tuner.data.parts import PartsHooks
from tuner.data.tabular.labels import Labels
from tuner.data.tabular.splits import split_rows

PIXEL_MAXIMUM = 16.0  # the digits of scikit-learn count 0 to 16 dark pixels of a 4 x 4 field


class DigitsHooks(PartsHooks):
    """The 1,797 handwritten digits that scikit-learn ships, as 64 pixels in [0, 1] and a class in 0 .. 9.

    60 % are for training, 20 % for validation, 20 % for testing, each with every class in proportion;
    `split_seed` alone decides which.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    features = 64
    classes = 10

    def __init__(self, batch_size: int = 64, split_seed: int = 0) -> None:
        super().__init__(batch_size)
        self.split_seed = split_seed

    def load(self, stage: str) -> None:
        """Load and split the digits, once for all stages."""
        if self.parts:
            return
        pixels, classes = load_digits(return_X_y=True)
        x = torch.tensor(pixels / PIXEL_MAXIMUM, dtype=torch.float32)
        y = torch.tensor(classes, dtype=torch.int64)
        labels = Labels(classes, tuple(map(str, range(self.classes))))
        rows = split_rows(len(y), labels=labels, seed=self.split_seed)
        self.parts = {part: (x[chosen], y[chosen]) for part, chosen in rows.items()}


class Digits(DigitsHooks, LightningDataModule):
    """Hand out scikit-learn's digits, as `DigitsHooks` does, to a trainer of `pytorch_lightning`."""
