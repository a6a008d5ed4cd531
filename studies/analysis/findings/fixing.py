"""What is lost where a parameter is fixed: the best expected score with it, compared with the best without.

The best expected score with a parameter held is compared with the best without, function by function, over
functions drawn from the posterior and from fits to resampled trials. The difference of two minima of one
function is known better than either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.findings.functions import doubt_near_best, functions_of, resampled_fits
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.intervals import COVERAGE
from studies.surrogate.domain import Array, as_option, coordinate
from studies.surrogate.drawn import DrawnFunctions
from studies.surrogate.integration import quasi_random
from studies.surrogate.lowest import lowest

POINTS = 2**11  # from which the search for the best may begin, beside the trials
DRAWS = 60
REPLICATES = 4
REPLICATE_DRAWS = 20
OVER = 1 - COVERAGE


@dataclass(frozen=True)
class Cost:
    """What fixing parameters loses, in the unit of the metric; positive is worse, whatever the direction.

    `best` is the best expected score of the whole space and `fixed` the best with `held` fixed; `loss`, with
    its 90 % interval, is by how much the second is worse.
    """

    held: Mapping[str, Value]
    metric: str
    best: float
    fixed: float
    loss: float
    low: float
    high: float

    def in_words(self) -> str:
        """Say it in one sentence."""
        what = " and ".join(f"{name} = {show_value(value)}" for name, value in self.held.items())
        surely = (
            "so that loses something" if self.low > 0 else "so the trials do not show that anything is lost"
        )
        return (
            f"With {what} the best expected {self.metric} is {self.fixed:.4g} instead of {self.best:.4g}, "
            f"worse by {self.loss:.2g} (90% interval {self.low:.2g} to {self.high:.2g}), {surely}."
        )

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        return {
            "fixed": dict(self.held),
            "metric": self.metric,
            "best_free": self.best,
            "best_fixed": self.fixed,
            "loss": self.loss,
            "low": self.low,
            "high": self.high,
            "sentence": self.in_words(),
        }


def cost_of_fixing(found: StudyAnalysis, held: Mapping[str, Value], *, seed: int = 0) -> Cost:
    """Compare the best expected score with parameters fixed with the best of the whole space.

    A parameter of a branch is fixed where it exists.

    Args:
        found: the analysis.
        held: the value of each parameter that is fixed, within its range.
        seed: of the draws and of the resampling.

    Raises:
        NothingToAnalyse: the trials show no structure, so nothing is known of a best score; or the part of
            the space that is analysed has no such parameter or value.
    """
    if not found.importance.evidence.has_structure:
        raise NothingToAnalyse(
            f"The {found.importance.evidence.trials} trials show no structure, so what fixing a parameter "
            "loses is not known; run more trials."
        )
    at = _places_of(found.fitted, held)
    with threadpool_limits(limits=1):
        pairs = [_bests(drawn, places, at) for drawn, places in many_functions(found.fitted, seed)]
    free, fixed = (found.score(np.concatenate([pair[side] for pair in pairs])) for side in (0, 1))
    sign = 1.0 if found.table.minimize else -1.0
    losses = sign * (fixed - free)
    means = np.cumsum([0, *(len(pair[0]) for pair in pairs[:-1])])
    draws = np.delete(losses, means)
    low, high = np.quantile(draws, [OVER / 2, 1 - OVER / 2]).tolist()
    loss, wider = float(losses[0]), doubt_near_best(found.fitted)
    low, high = loss - wider * max(loss - low, 0.0), loss + wider * max(high - loss, 0.0)
    return Cost(
        dict(held),
        found.metric,
        float(free[0]),
        float(fixed[0]),
        loss,
        max(low, 0.0),
        high,
    )


def many_functions(fitted: Fitted, seed: int) -> Iterator[tuple[DrawnFunctions, Array]]:
    """Draw functions from each posterior, its mean first, with places from which a search may begin.

    Args:
        fitted: what `fit_table` made of the trials; its posterior comes first, then resampled fits.
        seed: of the places, draws and resampling.
    """
    count = len(fitted.surrogate.domain.axes)
    surrogates = [fitted.surrogate, *resampled_fits(fitted, REPLICATES, seed)]
    for number, surrogate in enumerate(surrogates):
        places = np.vstack([quasi_random(surrogate.domain, POINTS, seed + number), fitted.points[:, :count]])
        yield functions_of(surrogate, places, REPLICATE_DRAWS if number else DRAWS, seed), places


def _places_of(fitted: Fitted, held: Mapping[str, Value]) -> dict[int, float]:
    axes = {axis.name: (d, axis) for d, axis in enumerate(fitted.surrogate.domain.axes)}
    found = {}
    for name, value in held.items():
        place = coordinate(axes[name][1], as_option(value)) if name in axes else None
        if place is None:
            raise NothingToAnalyse(
                f"{name} = {show_value(value)} lies outside the part of the space that is analysed; name a "
                "parameter and a value of that part."
            )
        found[axes[name][0]] = place
    return found


def _bests(drawn: DrawnFunctions, places: Array, held: Mapping[int, float]) -> tuple[Array, Array]:
    """Give the least loss of each function, without and with axes held, in the unit of the loss."""
    fixed, where = lowest(drawn, places, held)
    free, _ = lowest(drawn, np.vstack([places, where]), {})
    surrogate = drawn.surrogate
    free = np.minimum(free, fixed)
    return surrogate.centre + surrogate.scale * free, surrogate.centre + surrogate.scale * fixed
