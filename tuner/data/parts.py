"""A training, a validation and a test part in memory, as the loaders of a data module."""

from torch.utils.data import DataLoader

from tuner.data.batches import Batch, load_batches, refuse_empty
from tuner.modules.shaped_by_data import adapt_module_to


class PartsHooks:
    """The loaders of a data module whose `load` fills `parts` with `train`, `val` and `test`.

    The last training batch of an epoch is smaller than the others, and left out only if a single sample were
    left for it, because batch norm cannot normalise one sample. Validation and testing take the whole part
    as one batch, or as batches of `held_out_batch` samples where it holds more.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    held_out_batch = 10_000  # samples; bounds the memory of a validation

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        refuse_empty(batch_size)
        self.batch_size = batch_size
        self.parts: dict[str, Batch] = {}

    def load(self, stage: str) -> None:
        """Fill the parts that a stage needs, if they are not there yet."""
        raise NotImplementedError

    def setup(self, stage: str) -> None:
        """Load what a stage needs, and tell the module of it."""
        self.load(stage)
        adapt_module_to(self)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled batches of the training part."""
        part = self.parts["train"]
        leaves_one_sample = len(part[0]) % self.batch_size == 1
        return load_batches(*part, batch_size=self.batch_size, shuffle=True, drop_last=leaves_one_sample)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation part, in order."""
        return load_batches(*self.parts["val"], batch_size=self.held_out_batch)

    def test_dataloader(self) -> DataLoader[Batch]:
        """The test part, in order."""
        return load_batches(*self.parts["test"], batch_size=self.held_out_batch)
