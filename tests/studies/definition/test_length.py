"""What a trainer section alone says of a trial's length; the rest is compared with real trainers."""

from typing import Any

import pytest

from studies.definition.length import TrialLength
from studies.errors import BadLength


def length(**trainer: Any) -> TrialLength:
    """Read a trainer section."""
    return TrialLength.of({"trainer": trainer})


@pytest.mark.parametrize(
    ("trainer", "epochs"),
    [
        ({}, 6.0),
        ({"check_val_every_n_epoch": 2}, 12.0),
        ({"val_check_interval": 0.5}, 3.0),
        ({"val_check_interval": 0.5, "check_val_every_n_epoch": 3}, 9.0),
        ({"val_check_interval": 100}, 6.0),
    ],
)
def test_epochs_follow_from_validations(trainer: dict[str, Any], epochs: float) -> None:
    """Six validations are as many epochs as the section makes of them, before the data are known."""
    assert length(max_epochs=30, **trainer).epochs_at(6) == epochs
    assert length(max_epochs=30, **trainer).epochs_at(0) == 0.0


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        (2, 2),
        ([0, 1], 2),
        ([3], 1),
        ("0,1", 2),
        ("2", 2),
        ("3,", 1),
        ("auto", None),
    ],
    ids=repr,
)
def test_devices_are_counted_however_they_are_named(devices: object, count: int | None) -> None:
    """A number, a list and a text name devices; what is left to the machine is told by the training."""
    assert length(devices=devices).devices == count
    size = {"batches": 5, "interval": 5, "validates": True, "accumulated": 1}
    assert length(devices=devices).told(**size, devices=4).devices == (count or 4)


def test_devices_that_nobody_can_start_are_refused() -> None:
    """Several machines, and a strategy without a number of devices, are refused by the key."""
    with pytest.raises(BadLength, match=r"trainer\.devices: must say how many devices ddp_spawn trains on"):
        length(strategy="ddp_spawn")
    for every in (-1, "-1", [-1]):
        with pytest.raises(BadLength, match=r"trainer\.devices: must say how many .*write their number"):
            length(devices=every)
    with pytest.raises(BadLength, match=r"trainer\.num_nodes: must be 1"):
        length(devices=2, num_nodes=2)


def test_the_rungs_follow_from_the_data() -> None:
    """A ninth of the validations is where a trial may first be stopped, whatever makes them."""
    size = {"batches": 10, "interval": 1, "validates": True, "accumulated": 1, "devices": 1}
    tenths = length(max_epochs=9, val_check_interval=0.1)
    assert tenths.first_rung() is None  # the batches of an epoch are not known yet
    assert tenths.why_unpruned == ""
    assert tenths.told(**size).first_rung() == 10
    steps = length(max_steps=270, val_check_interval=1)
    assert steps.told(**size).validations == 270
    assert steps.told(**size).first_rung() == 30
    assert length(max_epochs=90).first_rung() == 10
    assert length().epochs == 1000  # Lightning's own


@pytest.mark.parametrize(
    ("trainer", "reason"),
    [
        ({"max_time": "00:01:00:00"}, r"only trainer\.max_time ends a trial"),
        ({"max_epochs": -1}, "nothing ends a trial"),
        ({"max_epochs": 9, "val_check_interval": "00:00:10:00"}, "validations are due by the clock"),
        ({"max_epochs": 9, "max_time": {"hours": 1}}, r"that trainer\.max_time ends before is not pruned"),
    ],
)
def test_where_nothing_is_pruned_a_sentence_says_so(trainer: dict[str, Any], reason: str) -> None:
    """Nobody finds out after a night that no trial was stopped."""
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(length(**trainer).why_unpruned)
