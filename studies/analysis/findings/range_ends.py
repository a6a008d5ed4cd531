"""Best values at the edge of their range: a range that may have been too narrow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from search_spaces.space.nodes import Float, Int
from studies.analysis.observations.table import Table
from studies.analysis.shares.importance import Fitted
from studies.surrogate.domain import Axis
from studies.surrogate.gaussian_process import points_of

EDGE = 0.1  # of the range, counted as its boundary
BEST_SHARE = 0.1  # of the trials that count as the best
FEWEST_BEST = 5  # trials that count as the best at least
CROWDING = 0.6  # of the best trials, at an edge that holds a tenth of the range
BY_CHANCE = 1e-3  # the chance of such a crowd that is too high
LINES = 5  # best trials around which the surrogate is asked
POSITIONS = 21  # along a range
DRAWS = 300  # from the posterior
SURE = 0.9  # part of the draws that must get better up to the end
EXTENSION = 0.5  # of the range, added on its scale
MOST_EXTENSION = 10.0  # the factor by which a range on a log scale grows at most


@dataclass(frozen=True)
class Boundary:
    """The best trials of a study crowd at one end of a parameter's range.

    `at` is `low` or `high`, `crowding` the share of the `trials` best trials in the outer tenth of the range
    there. `low` and `high` are a range to search next, half as wide again on the parameter's scale, but no
    decade more, and at most halfway to 0 or 1 for a range between them, such as a rate's. Where that leaves
    no room, it is the range as it was.
    """

    name: str
    at: str
    crowding: float
    trials: int
    low: float
    high: float


def boundaries(table: Table, fitted: Fitted, *, seed: int = 0) -> tuple[Boundary, ...]:
    """Find the ranges at whose end the best trials crowd, in the order of the space.

    That alone is no evidence: a sampler crowds where it likes, and of few whole numbers one is always an
    end. So the surrogate must say too that around the best trials the score gets better up to that end.

    Args:
        table: the trials.
        fitted: what `fit_table` made of them; a caller that found no structure has no reason to ask.
        seed: of the draws.
    """
    found = []
    for column, axis in enumerate(table.domain.axes):
        node = axis.parameter.node
        if not isinstance(node, Float | Int) or node.low == node.high:
            continue
        there = np.flatnonzero(table.active[:, column] & table.completed)
        count = min(len(there), max(FEWEST_BEST, round(BEST_SHARE * len(there))))
        if count < FEWEST_BEST:
            continue
        best = there[np.argsort(table.loss[there], kind="stable")[:count]]
        places = table.coordinates[best, column]
        for at, end in (("low", 0), ("high", -1)):
            edge, chance = _edge(axis, end)
            crowded = places <= edge if at == "low" else places >= edge
            crowding = float(np.mean(crowded))
            # The best trial itself must lie there: a crowd around a better one inside is no reason to go on.
            if crowding < CROWDING or not crowded[0]:
                continue
            if binom.sf(int(crowded.sum()) - 1, count, chance) > BY_CHANCE:
                continue
            if _leads_out(table, fitted, column, best=best[:LINES], at=at, seed=seed):
                low, high = _extended(axis, at)
                found.append(Boundary(axis.name, at, crowding, count, low, high))
    return tuple(found)


def _edge(axis: Axis, end: int) -> tuple[float, float]:
    """Give the coordinate from which on a value is at the end, and the chance of that."""
    if axis.is_discrete:
        return float(axis.nodes[end]), float(axis.weights[end])
    return (EDGE if end == 0 else 1 - EDGE), EDGE


def _leads_out(
    table: Table, fitted: Fitted, column: int, *, best: NDArray[np.intp], at: str, seed: int
) -> bool:
    """Say whether the score gets better up to the end, all else as in the best trials."""
    axis, order = table.domain.axes[column], list(fitted.order)
    positions = axis.nodes if axis.is_discrete else np.linspace(0, 1, POSITIONS)
    coordinates = np.repeat(table.coordinates[best], len(positions), axis=0)
    coordinates[:, column] = np.tile(positions, len(best))
    points = points_of(coordinates[:, order], table.domain.active(coordinates)[:, order])
    mean, covariance = fitted.surrogate.posterior(points)
    average = np.kron(np.full((1, len(best)), 1 / len(best)), np.eye(len(positions)))
    covariance = average @ covariance @ average.T
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = np.random.default_rng(seed).standard_normal((len(positions), DRAWS))
    drawn = (average @ mean)[:, None] + vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * normal)
    least = positions[np.argmin(drawn, axis=0)]
    edge, _ = _edge(axis, 0 if at == "low" else -1)
    outer = positions <= edge if at == "low" else positions >= edge
    ends = least <= edge if at == "low" else least >= edge
    # A surrogate that does without the parameter has no least place at all.
    inner = drawn[~outer].min(axis=0) - drawn[outer].min(axis=0)
    return bool(np.mean(ends) >= SURE and np.mean(inner > 0) >= SURE)


def _extended(axis: Axis, at: str) -> tuple[float, float]:
    node = axis.parameter.node
    assert isinstance(node, Float | Int)  # the caller looks at ranges only
    if node.log:
        factor = min((node.high / node.low) ** EXTENSION, MOST_EXTENSION)
        low, high = (node.low / factor, node.high) if at == "low" else (node.low, node.high * factor)
    else:
        step = (node.high - node.low) * EXTENSION
        low, high = (node.low - step, node.high) if at == "low" else (node.low, node.high + step)
    # A probability, a share or 1 - momentum has no values beyond 0 and 1, and a dropout of 1 leaves nothing.
    if node.low >= 0 and not node.log:
        low = max(low, node.low / 2)
    if node.high <= 1 and (not node.log or node.high == 1):
        high = min(high, (node.high + 1) / 2)
    if isinstance(node, Int):
        return float(max(round(low), 1) if node.log else round(low)), float(round(high))
    return low, high
