"""The joint model as a search: its arithmetic against the plain one, and that it learns from trials."""

import numpy as np
import optuna
import pytest
from scipy.stats import norm

from search_spaces.suggest import suggest
from studies.analysis.shares.importance import fit_table
from studies.proposing.model import JointModel, log_expected_improvement
from studies.proposing.optuna_sampler import ProposerSampler
from studies.surrogate.domain import coordinate, domain_of
from studies.surrogate.gaussian_process import points_of
from studies.surrogate.integration import quasi_random
from tests.studies.analysis.known_functions import Known, random_conditional, random_flat


@pytest.mark.parametrize("seed", [2, 11, 47])
def test_the_variance_at_a_point_is_the_diagonal_of_the_covariance(seed: int) -> None:
    """Read off a grid along ranges, it is what the whole covariance says, on branches too."""
    surrogate = fit_table(random_conditional(seed).table(80, seed, 0.1)).surrogate
    places = quasi_random(surrogate.domain, 256, seed)
    points = points_of(places, surrogate.domain.active(places))
    whole = np.diagonal(surrogate.kernel.between(points, points))
    assert surrogate.kernel.variance_at(points) == pytest.approx(whole, abs=1e-3)


def test_the_log_of_the_expected_improvement_is_that_of_an_integral() -> None:
    """By brute force where it can be integrated, and without an underflow far below."""
    draws = norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    for gap, deviation in ((0.5, 1.0), (-1.0, 0.5), (-3.0, 1.5), (0.0, 0.1)):
        integral = np.mean(np.maximum(gap + deviation * draws, 0.0))
        found = log_expected_improvement(np.array([gap]), np.array([deviation]))
        assert found[0] == pytest.approx(np.log(integral), abs=0.01)
    far = log_expected_improvement(np.array([-20.0, -40.0]), np.array([1.0, 1.0]))
    assert np.isfinite(far).all()
    assert far[0] > far[1]


def _best(known: Known, sampler: optuna.samplers.BaseSampler, trials: int) -> float:
    domain = domain_of(known.space)

    def objective(trial: optuna.Trial) -> float:
        values = suggest(trial, known.space)
        places = [
            coordinate(axis, values[axis.name]) if axis.name in values else axis.nodes[0]
            for axis in domain.axes
        ]
        place = np.array([places], dtype=float)
        return float(known.function(place, domain.active(place))[0])

    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study.best_value


@pytest.mark.parametrize("make", [random_flat, random_conditional])
def test_what_trials_say_is_not_forgotten(make: object) -> None:
    """After thirty trials the model is ahead of random search on most functions drawn at random."""
    ahead = 0
    for seed in range(4):
        known = make(seed)  # type: ignore[operator]
        ours = _best(known, ProposerSampler(JointModel(), known.space, seed=seed), 30)
        ahead += ours <= _best(known, optuna.samplers.RandomSampler(seed=seed), 30)
    assert ahead >= 3
