"""Functions drawn near the best: from the posterior of all trials, and from fits to resampled ones."""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import cho_solve

from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.intervals import REPLICATE_STEPS
from studies.surrogate.domain import Array
from studies.surrogate.drawn import DrawnFunctions, draw_functions
from studies.surrogate.gaussian_process import Surrogate, fit
from studies.surrogate.hyperparameters import LEFT_OUT
from studies.surrogate.likelihood import Hyperparameters

SPREAD = 256  # places over the whole space at which functions are drawn together
AMONG = 192  # the same among the places that the surrogate expects to be good
BEST_PARTS = (0.1, 0.2, 0.4)  # of the trials
FEWEST = 8  # trials of such a part
REVIVED = 0.02  # variance at which the search begins again for an axis that the fit to all trials left out


def functions_of(surrogate: Surrogate, places: Array, draws: int, seed: int) -> DrawnFunctions:
    """Draw functions over the whole space, and together where the surrogate expects good scores.

    Args:
        surrogate: the fitted Gaussian process.
        places: quasi-random coordinates `(m, axes)` on the axes of the surrogate.
        draws: how many functions beside the mean.
        seed: of the draws.
    """
    mean_only = draw_functions(surrogate, places[:1], 0, seed)
    expected = mean_only.at(places)[:, 0]
    among = np.argsort(expected[SPREAD:], kind="stable")[: 2 * AMONG : 2] + SPREAD
    return draw_functions(surrogate, np.vstack([places[:SPREAD], places[among]]), draws, seed)


def doubt_near_best(fitted: Fitted) -> float:
    """Say how many times as far as it should the surrogate misses the best trials; at least 1.

    Each trial is predicted from all others (Rasmussen and Williams 2006, equations 5.10 to 5.12), and missed
    by one standard deviation on average where the surrogate is right about itself. In a narrow good region
    it is not, and what is said of that region has to be as much less sure. Of the best tenth, fifth and two
    fifths the one that is missed most counts. Of more trials than the surrogate has points nothing is known.
    """
    surrogate = fitted.surrogate
    if len(surrogate.weights) < len(fitted.loss):
        return 1.0
    inverse = np.diag(cho_solve((surrogate.cholesky, True), np.eye(len(surrogate.weights))))
    missed = (surrogate.weights / np.sqrt(inverse)) ** 2
    ranked = missed[np.argsort(fitted.loss, kind="stable")]
    parts = (ranked[: max(int(part * len(ranked)), FEWEST)] for part in BEST_PARTS)
    return float(np.sqrt(max(1.0, *(float(part.mean()) for part in parts))))


def resampled_fits(fitted: Fitted, count: int, seed: int) -> Iterator[Surrogate]:
    """Fit the surrogate to trials drawn from the trials with replacement.

    An axis that the fit to all trials does without is given another chance.

    Args:
        fitted: what `fit_table` made of the trials.
        count: how many fits.
        seed: of the resampling.
    """
    start = fitted.surrogate.theta.copy()
    variances = Hyperparameters(start, len(fitted.surrogate.domain.axes)).variances
    start[variances] = np.where(start[variances] <= LEFT_OUT, np.log(REVIVED), start[variances])
    for number in range(count):
        random = np.random.default_rng([seed, number])
        rows = np.sort(random.integers(0, len(fitted.loss), len(fitted.loss)))
        yield fit(
            fitted.surrogate.domain,
            fitted.points[rows],
            fitted.loss[rows],
            fitted.variance[rows],
            start=start,
            steps=REPLICATE_STEPS,
        )
