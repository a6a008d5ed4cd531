"""Draws of shares from the posterior."""

import numpy as np
import pytest

from studies.analysis.shares import posterior
from studies.analysis.shares.importance import fit_table
from studies.surrogate.anova import structures_of
from tests.studies.analysis.known_functions import random_conditional


@pytest.mark.parametrize("seed", [3, 47, 51])
def test_a_slight_effect_is_bounded_and_never_told_smaller_than_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Shares are the same with the short cut; its draws are no smaller on average, and hardly larger."""
    surrogate = fit_table(random_conditional(seed).table(120, seed, 0.2)).surrogate
    structures = structures_of(surrogate.domain, 0)
    monkeypatch.setattr(posterior, "SLIGHT", 0.01)
    bounded = posterior.posterior_shares(surrogate, structures, 200, 0)
    monkeypatch.setattr(posterior, "SLIGHT", 0.0)
    drawn = posterior.posterior_shares(surrogate, structures, 200, 0)
    assert any(bounded.excess[names] > excess for names, excess in drawn.excess.items()), "none was cut short"
    for names, share in drawn.share.items():
        assert bounded.share[names] == pytest.approx(share, abs=1e-9)
        assert np.mean(bounded.draws[names]) >= np.mean(drawn.draws[names]) - 1e-3
        assert np.mean(bounded.draws[names]) <= np.mean(drawn.draws[names]) + 0.02
