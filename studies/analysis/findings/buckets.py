"""Best-of-bucket views: what was reached at each value of a parameter, whatever the others were."""

from dataclasses import dataclass

import numpy as np

from search_spaces.space.nodes import Value
from studies.analysis.observations.table import Table
from studies.surrogate.domain import value_at

BUCKETS = 8  # of equal probability along a range


@dataclass(frozen=True)
class Bucket:
    """The trials whose value of a parameter lies from `low` to `high`, or is that option.

    `best` is the best score there and `number` the trial that reached it, both None where no trial lies.
    """

    low: Value
    high: Value
    trials: int
    best: float | None
    number: int | None


def isolate(table: Table, name: str) -> tuple[Bucket, ...]:
    """Take the best score in each bucket of a parameter's values; only completed trials count."""
    column = table.domain.names.index(name)
    axis = table.domain.axes[column]
    there = np.flatnonzero(table.active[:, column] & table.completed)
    places = table.coordinates[there, column]
    buckets = []
    if axis.is_discrete:
        cells = [(position, position, places == position) for position in axis.nodes]
    else:
        edges = np.linspace(0, 1, BUCKETS + 1)
        cell = np.clip((places * BUCKETS).astype(int), 0, BUCKETS - 1)
        cells = [(edges[i], edges[i + 1], cell == i) for i in range(BUCKETS)]
    for low, high, inside in cells:
        rows = there[inside]
        best = int(rows[np.argmin(table.loss[rows])]) if len(rows) else None
        buckets.append(
            Bucket(
                value_at(axis, float(low)),
                value_at(axis, float(high)),
                len(rows),
                None if best is None else _score(table, best),
                None if best is None else table.numbers[best],
            )
        )
    return tuple(buckets)


def _score(table: Table, row: int) -> float:
    return float(table.loss[row] if table.minimize else -table.loss[row])
