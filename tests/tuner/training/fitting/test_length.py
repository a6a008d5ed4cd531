"""How long a trial is, against what a real trainer does."""

import random
from typing import Any

import pytest
import pytorch_lightning
import torch
from pytorch_lightning.callbacks import GradientAccumulationScheduler
from torch.utils.data import DataLoader, IterableDataset

from studies.definition.length import TrialLength
from tests.tuner.training.probes import IN_MEMORY, QUIET
from tuner.training.fitting.epoch_size import epoch_size

pytestmark = IN_MEMORY

SECTIONS = 60  # in the suite; a thousand were compared once


class Endless(IterableDataset[torch.Tensor]):
    """Some samples whose number nobody tells."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Any:
        """Give them."""
        return iter(torch.zeros(self.count, 1))


class Counted(pytorch_lightning.LightningModule):
    """A module that counts what its trainer does."""

    def __init__(self, batches: int, *, has_length: bool, validates: bool) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.data: Any = torch.zeros(batches, 1) if has_length else Endless(batches)
        self.validates = validates
        self.batches = self.epochs = 0
        self.validated: list[int] = []  # the batches before each validation

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Count a batch."""
        self.batches += 1
        return self.weight.sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Do nothing."""

    def on_validation_end(self) -> None:
        """Count a validation."""
        self.validated.append(self.batches)

    def on_train_epoch_end(self) -> None:
        """Count an epoch."""
        self.epochs += 1

    def train_dataloader(self) -> Any:
        """Give the batches."""
        return DataLoader(self.data)

    def val_dataloader(self) -> Any:
        """Give one batch, or nothing."""
        return DataLoader(torch.zeros(1, 1)) if self.validates else []

    def configure_optimizers(self) -> Any:
        """Choose SGD."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def drawn(dice: random.Random) -> tuple[dict[str, Any], int, bool, bool]:
    """Draw a trainer section that Lightning accepts, the batches of an epoch, and what the data are like."""
    batches, has_length = dice.randint(1, 9), dice.random() < 0.8
    limit = dice.choice([None, None, dice.randint(1, 9), 0.5 if has_length and batches > 1 else None])
    within = batches if limit is None else min(batches, limit) if isinstance(limit, int) else batches // 2
    trainer: dict[str, Any] = {
        "max_epochs": dice.choice([1, 2, 3, 4, 7, -1]),
        "max_steps": dice.choice([-1, -1, dice.randint(1, 25)]),
        "limit_train_batches": limit,
        "accumulate_grad_batches": dice.choice([1, 1, 2, 3]),
        "min_epochs": dice.choice([None, 2]),
        "check_val_every_n_epoch": dice.choice([1, 1, 2, 3]),
        "val_check_interval": dice.choice([None, 1.0, 0.5, 0.1] if has_length else [None, 1.0]),
    }
    if dice.random() < 0.3:
        trainer["val_check_interval"] = dice.randint(1, max(within, 1))
    elif dice.random() < 0.2:
        trainer |= {"val_check_interval": dice.randint(1, 12), "check_val_every_n_epoch": None}
    if trainer["max_epochs"] == -1 and trainer["max_steps"] == -1:
        trainer["max_epochs"] = 2
    if not has_length and isinstance(limit, int) and limit > batches:
        trainer["limit_train_batches"] = None  # the limit would be taken for the length
    if dice.random() < 0.1:
        trainer["limit_val_batches"] = 0
    given = {key: value for key, value in trainer.items() if value is not None or key.startswith("check")}
    return given, batches, has_length, dice.random() < 0.9


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero")
@pytest.mark.parametrize("seed", range(SECTIONS))
def test_a_length_is_what_a_trainer_does(seed: int) -> None:
    """Over random sections the validations, the epochs, and the epochs at each validation are the trainer's.

    Where a length is not known, the data have none, and the sentence says so.
    """
    trainer, batches, has_length, validates = drawn(random.Random(seed))  # noqa: S311
    module = Counted(batches, has_length=has_length, validates=validates)
    made = pytorch_lightning.Trainer(**QUIET | trainer)
    sizes: list[Any] = []
    module.on_train_start = lambda: sizes.append(epoch_size(made))  # type: ignore[method-assign]
    made.fit(module)
    size = sizes[0]
    length = TrialLength.of({"trainer": trainer}).told(**vars(size))
    count = len(module.validated) if size.validates else module.epochs
    if length.validations is None:
        assert not has_length
        assert "No trial is pruned" in length.why_unpruned
        return
    assert length.validations == count
    assert length.why_unpruned == ""
    if size.batches is None:
        assert length.epochs is None or length.epochs == module.epochs
        return
    assert length.epochs == pytest.approx(module.batches / size.batches)
    if size.validates:
        trained = [done / size.batches for done in module.validated]
        assert [length.epochs_at(step) for step in range(1, count + 1)] == pytest.approx(trained)


def test_steps_that_change_have_no_length() -> None:
    """Where the batches of a step change with the epochs, nobody counts on `max_steps`."""
    module = Counted(4, has_length=True, validates=True)
    schedule = GradientAccumulationScheduler({0: 2, 1: 1})
    made = pytorch_lightning.Trainer(**QUIET, max_steps=6, max_epochs=-1, callbacks=[schedule])
    sizes: list[Any] = []
    module.on_train_start = lambda: sizes.append(epoch_size(made))  # type: ignore[method-assign]
    made.fit(module)
    length = TrialLength.of({"trainer": {"max_steps": 6, "max_epochs": -1}}).told(**vars(sizes[0]))
    assert length.validations is None
    assert "the steps of an epoch change" in length.why_unpruned
