"""Narrower ranges for a next study: where the best configuration surely lies.

A study that repeats the whole space spends most of its trials where this one has found nothing good. A
range is narrowed to what holds the best trials and where functions drawn from the posterior have their best
configuration, with a margin on both sides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces.space.nodes import Float
from studies.analysis.findings.coordinates import Coordinate
from studies.analysis.findings.near_best import Better
from studies.analysis.observations.table import Table
from studies.analysis.shares.importance import Fitted
from studies.surrogate.domain import Array, Mask, value_at
from studies.surrogate.gaussian_process import points_of
from studies.surrogate.integration import quasi_random

SPREAD_POINTS = 256  # over the whole space, a power of two
BEST = 10  # trials around which more points lie
AROUND = 30  # points around each
STEPS = (0.15, 0.05)  # of the range, by which these are moved
DRAWS = 100  # from each posterior
LEAST_MARGIN = 0.12  # of the range, on each side
MARGIN = 0.5  # of how far the best places spread, on each side
WORSE = 0.05  # of the range of the better scores: what is left out must be that much worse on average
BEST_HELD = 5  # of the best trials, that a narrower range holds
MIDDLE = (0.25, 0.75)  # of the places that the better trials alone allow
WORTH = 0.8  # of the range that is left, up to which it is worth a word


@dataclass(frozen=True)
class Narrowed:
    """A range and the part of it, `low` to `high`, in which the best configuration surely lies."""

    name: str
    low: float
    high: float


def narrower_ranges(
    table: Table, fitted: Fitted, near: tuple[Better, ...], *, seed: int = 0
) -> tuple[Narrowed, ...]:
    """Find the real ranges that can be narrowed without losing the best configuration.

    Args:
        table: the trials, on the scale of the analysis.
        fitted: what `fit_table` made of them.
        near: the analysis among the better trials.
        seed: of the points and draws.
    """
    likely = _likely_best(table, fitted, near, seed)
    places, active = likely.places, table.domain.active(likely.places)
    reach = near[0].level - float(table.loss[table.completed].min())
    found = []
    for column, axis in enumerate(table.domain.axes):
        node = axis.parameter.node
        # A prior says more of a range than its ends do, so such a range stays.
        if not isinstance(node, Float) or node.low == node.high or node.prior is not None:
            continue
        span = likely.span(places[:, column], active[:, column], 1.0)
        if span is None:
            continue
        low, high = max(span[0], 0.0), min(span[1], 1.0)
        outside = active[:, column] & ((places[:, column] < low) | (places[:, column] > high))
        if high - low <= WORTH and outside.any() and likely.cost(outside) >= WORSE * reach:
            ends = [node.low if low == 0 else _round(value_at(axis, float(low)))]
            ends.append(node.high if high == 1 else _round(value_at(axis, float(high))))
            found.append(Narrowed(axis.name, *ends))
    return tuple(found)


def combined_range(
    table: Table, fitted: Fitted, near: tuple[Better, ...], coordinate: Coordinate, *, seed: int = 0
) -> tuple[float, float] | None:
    """Give the range of a combination of two parameters in which the best configuration surely lies.

    It has the margins of a range that is narrowed, in parts of the first parameter's range, and never
    leaves what the combination takes in the space. None where the best configuration is on another branch.
    """
    likely = _likely_best(table, fitted, near, seed)
    places, domain = likely.places, table.domain
    active, columns = domain.active(places), [domain.names.index(name) for name in coordinate.names]
    both = active[:, columns[0]] & active[:, columns[1]]
    logs = coordinate.logs(domain, places)
    ends = np.repeat(places[:1], 2, axis=0)
    ends[:, columns[0]] = 0.0, 1.0
    span = likely.span(logs, both, float(abs(np.diff(coordinate.logs(domain, ends))[0])))
    if span is None:
        return None
    low, high = max(span[0], float(logs[both].min())), min(span[1], float(logs[both].max()))
    return _round(np.exp(low)), _round(np.exp(high))


@dataclass(frozen=True, eq=False)
class _Likely:
    """Places of a space `(n, axes)`, and which of them may be the best.

    `drawn` are functions at the places, `(n, draws)`, from the posterior of all scores. `best` are the
    places at which these are least, `better` the same of the posterior of the better trials, and `trials`
    those of the best trials.
    """

    places: Array
    drawn: Array
    best: NDArray[np.intp]
    better: NDArray[np.intp]
    trials: NDArray[np.intp]

    def span(self, values: Array, exists: Mask, width: float) -> tuple[float, float] | None:
        """Give the ends of what may be the best of some values at the places, with margins.

        Args:
            values: at the places, `(n,)`.
            exists: where there is a value at all, `(n,)`.
            width: of the range of the values.

        Returns:
            None where the best place is one without a value as often as not: of a branch that is the best
            one only now and then nothing is known.
        """
        if exists[self.best].mean() < 0.5:  # noqa: PLR2004 - as often as not
            return None
        held = [values[chosen[exists[chosen]]] for chosen in (self.best, self.trials)]
        # The better trials alone are few, and what they leave open is most of a range.
        inner = values[self.better[exists[self.better]]]
        if len(inner):
            held.append(np.quantile(inner, MIDDLE))
        every = np.concatenate(held)
        low, high = float(every.min()), float(every.max())
        margin = max(LEAST_MARGIN * width, MARGIN * (high - low))
        return low - margin, high + margin

    def cost(self, outside: Mask) -> float:
        """Give what leaving a part of the places would cost on average, were the best one there."""
        return float(np.mean(self.drawn[outside].min(axis=0) - self.drawn.min(axis=0)))


def _likely_best(table: Table, fitted: Fitted, near: tuple[Better, ...], seed: int) -> _Likely:
    places = _places(table, seed)
    drawn = _drawn(fitted, places, seed)
    among = _drawn(near[0].fitted, places, seed)
    trials = np.arange(SPREAD_POINTS, SPREAD_POINTS + BEST_HELD)
    return _Likely(places, drawn, np.argmin(drawn, axis=0), np.argmin(among, axis=0), trials)


def _round(value: object) -> float:
    return float(f"{float(value):.2g}")  # type: ignore[arg-type] # the value of a real range


def _places(table: Table, seed: int) -> Array:
    domain, random = table.domain, np.random.default_rng(seed)
    best = np.argsort(np.where(table.completed, table.loss, np.inf), kind="stable")[:BEST]
    around = np.repeat(table.coordinates[best], AROUND, axis=0)
    moves = np.array([axis.ordered and not axis.is_discrete for axis in domain.axes])
    step = np.resize(STEPS, len(around))[:, None]
    moved = np.clip(around + step * random.standard_normal(around.shape), 0, 1)
    # Some coordinates stay, so that a single one is tried as well.
    around = np.where(moves & (random.random(around.shape) < 0.5), moved, around)  # noqa: PLR2004 - every other
    return np.vstack([quasi_random(domain, SPREAD_POINTS, seed), table.coordinates[best], around])


def _drawn(fitted: Fitted, places: Array, seed: int) -> Array:
    """Draw functions from a posterior: `(places, draws)`, in the unit of the loss."""
    order = list(fitted.order)
    points = points_of(places[:, order], fitted.surrogate.domain.active(places[:, order]))
    mean, covariance = fitted.surrogate.posterior(points)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = np.random.default_rng(seed).standard_normal((len(values), DRAWS))
    drawn = mean[:, None] + vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * normal)
    return np.asarray(fitted.surrogate.scale * drawn)
