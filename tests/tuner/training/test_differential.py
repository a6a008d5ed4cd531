"""A sample of the random trainer sections of `tests/benchmarks/differential.py`."""

from pathlib import Path

import pytest

from tests.benchmarks.differential import compare
from tests.tuner.training.both_sides import warm_up_for_sections
from tests.tuner.training.random_sections import draw_section

SEED = 20


@pytest.mark.parametrize("number", range(7))
def test_a_trial_is_what_plain_lightning_trains(tmp_path: Path, number: int) -> None:
    """Curve and weights of a random section equal those of `Trainer.fit` in a fresh process."""
    section = draw_section(SEED, number)
    warm_up_for_sections(section)
    found = compare(section, tmp_path, "plain")
    assert found["kind"] in {"equal", "impossible"}, (section, found)


@pytest.mark.parametrize("number", range(7, 12))
def test_a_trial_that_is_left_twice_ends_as_one_that_is_not(tmp_path: Path, number: int) -> None:
    """Curve and weights of a random section equal those of an unbroken trial, or it was announced."""
    section = draw_section(SEED, number)
    warm_up_for_sections(section)
    found = compare(section, tmp_path, "resumed")
    assert found["kind"] in {"equal", "announced"}, (section, found)
