"""Data that lie in memory, handed out a whole batch at a time."""

from tuner.data.batches import Batch, BatchIndices, load_batches
from tuner.data.diabetes import Diabetes
from tuner.data.digits import Digits
from tuner.data.fashion import FashionMNIST
from tuner.data.table import Table

__all__ = ["Batch", "BatchIndices", "Diabetes", "Digits", "FashionMNIST", "Table", "load_batches"]
