"""Best values at the edge of their range: a range that may have been too narrow."""

from dataclasses import dataclass

import numpy as np

from search_spaces.space import Float, Int
from studies.analysis.domain import Axis
from studies.analysis.table import Table

EDGE = 0.1  # of the range, counted as its boundary
BEST_SHARE = 0.1  # of the trials that count as the best
FEWEST_BEST = 5  # trials that count as the best at least
CROWDING = 0.6  # of the best trials, at an edge that holds a tenth of the range
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


def boundaries(table: Table) -> tuple[Boundary, ...]:
    """Find the ranges at whose end the best trials crowd, in the order of the space."""
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
        for at, crowded in (("low", places <= EDGE), ("high", places >= 1 - EDGE)):
            crowding = float(np.mean(crowded))
            # The best trial itself must lie there: a crowd around a better one inside is no reason to go on.
            if crowding >= CROWDING and crowded[0]:
                low, high = _extended(axis, at)
                found.append(Boundary(axis.name, at, crowding, count, low, high))
    return tuple(found)


def _extended(axis: Axis, at: str) -> tuple[float, float]:
    node = axis.parameter.node
    assert isinstance(node, Float | Int)  # noqa: S101 - the caller looks at ranges only
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
