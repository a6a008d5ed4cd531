"""Data that lie in memory, handed out a whole batch at a time."""

from tuner.training.data.batches import Batch, BatchIndices, load_batches
from tuner.training.data.diabetes import Diabetes
from tuner.training.data.digits import Digits
from tuner.training.data.fashion import FashionMNIST
from tuner.training.data.table import Table

__all__ = ["Batch", "BatchIndices", "Diabetes", "Digits", "FashionMNIST", "Table", "load_batches"]
