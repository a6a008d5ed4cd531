"""Data that lies in memory, handed out a whole batch at a time."""

from collections.abc import Iterator

import torch
from pytorch_lightning import LightningDataModule
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset

Batch = tuple[Tensor, ...]

PIXEL_MAXIMUM = 16.0  # the digits of scikit-learn count 0 to 16 dark pixels of a 4 x 4 field


class BatchIndices(Sampler[Tensor]):
    """The indices of one batch after another, each a tensor, so that a dataset is indexed once a batch.

    A shuffled order is drawn from torch's global generator when an epoch begins. In several processes the
    ranks therefore share an order only if they share the state of that generator.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    def __init__(
        self, samples: int, batch_size: int, *, shuffle: bool = False, drop_last: bool = False
    ) -> None:
        if batch_size < 1:
            raise ValueError(
                f"batch_size >= 1 must hold, but got batch_size={batch_size}; name at least one sample"
            )
        self.samples = samples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        complete, rest = divmod(self.samples, self.batch_size)
        return complete + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the indices of each batch, `(batch,)`."""
        order = torch.randperm(self.samples) if self.shuffle else torch.arange(self.samples)
        return iter(torch.split(order, self.batch_size)[: len(self)])


def load_batches(
    *tensors: Tensor, batch_size: int, shuffle: bool = False, drop_last: bool = False
) -> DataLoader[Batch]:
    """Make a loader over tensors in memory that does no work per sample.

    A batch of 64 rows takes about a seventh of the time of a plain `DataLoader(TensorDataset(...),
    batch_size=64)`, which picks and stacks its samples one by one.

    Args:
        tensors: of equal length; a batch is a tuple of the same rows of each.
        batch_size: rows of a batch; the last batch holds what is left.
        shuffle: draw a new order for each epoch from torch's global generator.
        drop_last: leave out a last batch that is not full.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    dataset = TensorDataset(*tensors)
    indices = BatchIndices(len(dataset), batch_size, shuffle=shuffle, drop_last=drop_last)
    return DataLoader(dataset, sampler=indices, batch_size=None)


class DigitsHooks:
    """The 1,797 handwritten digits that scikit-learn ships, as 64 pixels in [0, 1] and a class in 0 .. 9.

    60 % are for training, 20 % for validation, 20 % for testing, each with every class in proportion;
    `split_seed` alone decides which. The last training batch of an epoch is smaller than the others, and left
    out only if a single digit were left for it, because batch norm cannot normalise one sample. Validation
    and testing take one batch each.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    def __init__(self, batch_size: int = 64, split_seed: int = 0) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(
                f"batch_size >= 1 must hold, but got batch_size={batch_size}; name at least one digit"
            )
        self.batch_size = batch_size
        self.split_seed = split_seed
        self.parts: dict[str, Batch] = {}

    def setup(self, stage: str) -> None:
        """Load and split the digits, once for all stages."""
        if self.parts:
            return
        pixels, classes = load_digits(return_X_y=True)
        train, held_out, train_classes, held_out_classes = train_test_split(
            pixels, classes, test_size=0.4, stratify=classes, random_state=self.split_seed
        )
        val, test, val_classes, test_classes = train_test_split(
            held_out, held_out_classes, test_size=0.5, stratify=held_out_classes, random_state=self.split_seed
        )
        parts = {"train": (train, train_classes), "val": (val, val_classes), "test": (test, test_classes)}
        self.parts = {
            part: (
                torch.tensor(x / PIXEL_MAXIMUM, dtype=torch.float32),
                torch.tensor(y, dtype=torch.int64),
            )
            for part, (x, y) in parts.items()
        }

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches of `(batch, 64)` pixels and `(batch,)` classes."""
        part = self.parts["train"]
        leaves_one_digit = len(part[0]) % self.batch_size == 1
        return load_batches(*part, batch_size=self.batch_size, shuffle=True, drop_last=leaves_one_digit)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation part as one batch."""
        part = self.parts["val"]
        return load_batches(*part, batch_size=len(part[0]))

    def test_dataloader(self) -> DataLoader[Batch]:
        """The test part as one batch."""
        part = self.parts["test"]
        return load_batches(*part, batch_size=len(part[0]))


class Digits(DigitsHooks, LightningDataModule):
    """Hand out scikit-learn's digits, as `DigitsHooks` does, to a trainer of `pytorch_lightning`."""
