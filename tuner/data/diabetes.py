"""The diabetes data that scikit-learn ships: a small regression."""

import torch
from pytorch_lightning import LightningDataModule
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from tuner.data.parts import PartsHooks
from tuner.data.tabular.splits import split_rows


class DiabetesHooks(PartsHooks):
    """442 patients: ten measurements each, and how far diabetes had progressed a year later (25 to 346).

    60 % are for training, 20 % for validation, 20 % for testing; `split_seed` alone decides which.
    Measurements and progression are standardized by the training part; `target_mean` and `target_scale` lead
    back.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    features = 10

    def __init__(self, batch_size: int = 32, split_seed: int = 0) -> None:
        super().__init__(batch_size)
        self.split_seed = split_seed
        self.target_mean = 0.0
        self.target_scale = 1.0

    def load(self, stage: str) -> None:
        """Load, split and standardize the data, once for all stages."""
        if self.parts:
            return
        measurements, progression = load_diabetes(return_X_y=True, scaled=False)
        rows = split_rows(len(progression), seed=self.split_seed)
        train = rows["train"]
        x = StandardScaler().fit(measurements[train]).transform(measurements)
        self.target_mean = float(progression[train].mean())
        self.target_scale = float(progression[train].std())
        y = (progression - self.target_mean) / self.target_scale
        self.parts = {
            part: (torch.tensor(x[chosen], dtype=torch.float32), torch.tensor(y[chosen], dtype=torch.float32))
            for part, chosen in rows.items()
        }


class Diabetes(DiabetesHooks, LightningDataModule):
    """Hand out scikit-learn's diabetes data, as `DiabetesHooks` does, to a trainer of `pytorch_lightning`."""
