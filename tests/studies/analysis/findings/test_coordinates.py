"""Coordinates that take an interaction away."""

import numpy as np
import pytest

from studies.analysis.findings.coordinates import find_coordinates
from studies.analysis.observations.table import observations
from studies.analysis.shares.importance import fit_table
from tests.studies.analysis.known_functions import Known, flat


def valley(power: float) -> Known:
    """Make a loss that depends on `x1 * x2 ** power` alone; the unit cube is four decades of each."""
    return Known(
        f"power {power}", flat(2, log=True), lambda u, _: (u[:, 0] + power * u[:, 1] - 0.5 * (1 + power)) ** 2
    )


def test_a_product_that_the_loss_depends_on_removes_the_interaction() -> None:
    """Where the loss is a function of x1 * x2, searching the product leaves nothing to interact."""
    known = valley(1.0)
    found = find_coordinates(fit_table(observations(known.trials(60, seed=0), known.space)), ("x1", "x2"))
    best = found.candidates[0]
    assert best.formula == "x1 * x2"
    assert best.removed == pytest.approx(1.0, abs=0.03)


def test_the_slope_of_a_valley_is_the_power_of_the_second_parameter() -> None:
    """Where no natural combination fits, the free one says which would, and how much it removes."""
    known = valley(-1.5)
    found = find_coordinates(fit_table(observations(known.trials(60, seed=0), known.space)), ("x1", "x2"))
    assert found.slope == pytest.approx(-1.5, abs=0.15)
    assert found.removed_by_slope is not None
    assert found.removed_by_slope > max(candidate.removed for candidate in found.candidates)
    assert np.isclose(found.removed_by_slope, 1.0, atol=0.03)
