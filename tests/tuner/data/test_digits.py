"""The parts of the digits, and batches without work per sample."""

from unittest.mock import patch

import pytest
import torch
from sklearn.datasets import load_digits

from tuner.data import Batch as Part
from tuner.data import BatchIndices, Digits, load_batches
from tuner.data.batches import Rows


def parts(split_seed: int = 0) -> list[Part]:
    """Read the three parts back from their loaders."""
    digits = Digits(split_seed=split_seed)
    digits.setup("fit")
    loaders = (digits.train_dataloader(), digits.val_dataloader(), digits.test_dataloader())
    return [tuple(map(torch.cat, zip(*loader, strict=True))) for loader in loaders]


def rows(part: Part) -> set[tuple[float, ...]]:
    """Write each digit as its pixels and its class."""
    return {(*pixels, label) for pixels, label in zip(part[0].tolist(), part[1].tolist(), strict=True)}


def test_every_digit_is_in_exactly_one_part() -> None:
    """The three parts share no digit, and together are all of scikit-learn's."""
    found = [rows(part) for part in parts()]
    pixels, classes = load_digits(return_X_y=True)
    everything = rows((torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(classes)))
    assert [len(part) for part in found] == [1078, 359, 360]
    assert set.union(*found) == everything
    assert len(everything) == 1797


def test_pixels_lie_between_zero_and_one() -> None:
    """Pixels are single-precision numbers that fill [0, 1]; classes are whole numbers."""
    pixels, classes = parts()[0]
    assert (pixels.min().item(), pixels.max().item()) == (0.0, 1.0)
    assert (pixels.shape, pixels.dtype, classes.dtype) == ((1078, 64), torch.float32, torch.int64)


def test_each_part_holds_every_class_in_proportion() -> None:
    """A class has its 60, 20 and 20 % to within two digits, one for each of the two splits."""
    of_class = torch.bincount(torch.tensor(load_digits().target))
    for part, share in zip(parts(), (0.6, 0.2, 0.2), strict=True):
        assert (torch.bincount(part[1]) - share * of_class).abs().max() < 2


def test_the_split_seed_alone_decides_the_parts() -> None:
    """The same split seed gives the same parts under any seed of torch; another one gives others."""
    torch.manual_seed(1)
    first = parts()
    torch.manual_seed(2)
    again, other = parts(), parts(split_seed=1)
    assert [rows(part) for part in first] == [rows(part) for part in again]
    assert all(rows(one) != rows(two) for one, two in zip(first, other, strict=True))


def test_a_seed_of_torch_fixes_the_order_of_every_epoch() -> None:
    """The order of the training data differs from epoch to epoch, and is the same for the same seed."""
    loader = load_batches(torch.arange(100), batch_size=8, shuffle=True)

    def two_epochs() -> list[list[int]]:
        torch.manual_seed(0)
        return [torch.cat([batch for (batch,) in loader]).tolist() for _ in range(2)]

    first, second = two_epochs()
    assert first != second
    assert sorted(first) == sorted(second) == list(range(100))
    assert two_epochs() == [first, second]


def test_without_shuffling_rows_keep_their_order_and_stay_together() -> None:
    """Every tensor gives the same rows to a batch, the last of which holds what is left."""
    tens, ones = torch.arange(0, 70, 10), torch.arange(7)
    batches = [(ten.tolist(), one.tolist()) for ten, one in load_batches(tens, ones, batch_size=3)]
    assert batches == [([0, 10, 20], [0, 1, 2]), ([30, 40, 50], [3, 4, 5]), ([60], [6])]


@pytest.mark.parametrize(("samples", "drop_last", "expected"), [(7, False, 3), (7, True, 2), (6, True, 2)])
def test_a_loader_knows_its_number_of_batches(samples: int, drop_last: bool, expected: int) -> None:  # noqa: FBT001 - a case
    """The length of a loader is the number of batches that it gives."""
    loader = load_batches(torch.arange(samples), batch_size=3, drop_last=drop_last)
    assert len(loader) == len(list(loader)) == expected


def test_the_dataset_is_asked_once_a_batch() -> None:
    """No work is done per sample: 1,078 digits in batches of 64 are 17 questions."""
    digits = Digits(batch_size=64)
    digits.setup("fit")
    with patch.object(Rows, "__getitem__", autospec=True, side_effect=Rows.__getitem__) as asked:
        list(digits.train_dataloader())
    assert asked.call_count == 17


def test_a_last_batch_of_one_digit_is_left_out() -> None:
    """Batch norm cannot normalise one sample, so 1,078 digits make 359 batches of 3, and 216 of 5."""
    sizes = {}
    for batch_size in (3, 5):
        digits = Digits(batch_size=batch_size)
        digits.setup("fit")
        sizes[batch_size] = [len(labels) for _, labels in digits.train_dataloader()]
    assert sizes == {3: [3] * 359, 5: [5] * 215 + [3]}


@pytest.mark.parametrize("make", [Digits, lambda batch_size: BatchIndices(10, batch_size)])
def test_a_batch_holds_at_least_one_sample(make: type[Digits]) -> None:
    """A batch size below one is refused with the rule."""
    with pytest.raises(ValueError, match="batch_size >= 1 must hold, but got batch_size=0"):
        make(batch_size=0)
