"""How the best value of one parameter moves along another, and how much the one matters there."""

from dataclasses import dataclass

import numpy as np

from search_spaces.space import Value
from studies.analysis.domain import Array, value_at
from studies.analysis.importance import Fitted
from studies.analysis.projection import Projection, project

DRAWS = 300  # from the posterior
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Drift:
    """The best value of `name` for each value of `along`, everything else averaged over.

    `best`, and `low` to `high`, its 90 % interval, belong to `values`. `reach` is how far the expected score
    moves along `name` there, from its best to its worst value, in the objective's unit.
    """

    name: str
    along: str
    values: tuple[Value, ...]
    best: tuple[Value, ...]
    low: tuple[Value, ...]
    high: tuple[Value, ...]
    reach: tuple[float, ...]


def drift_of(fitted: Fitted, name: str, along: str, *, seed: int = 0) -> Drift:
    """Follow the best value of one parameter along another.

    The best value is where a function drawn from the posterior is least; its interval spans 300 draws.

    Raises:
        NothingToAnalyse: the two never exist together.
    """
    projection = project(fitted, name, along)
    drawn = draw(projection, DRAWS, seed)
    axis = fitted.surrogate.domain.axes[fitted.surrogate.domain.names.index(name)]
    rows: list[tuple[Value, ...]] = []
    reach = []
    for position in dict.fromkeys(projection.positions[:, 1]):
        there = np.flatnonzero(projection.positions[:, 1] == position)
        places, mean = projection.positions[there, 0], projection.mean[there]
        minima = places[np.argmin(drawn[there], axis=0)]
        # Between two grid points, and between two options, nothing is interpolated.
        low, high = np.quantile(minima, INTERVAL, method="nearest")
        best = places[int(np.argmin(mean))]
        ends = (best, min(low, best), max(high, best))
        rows.append((projection.values[there[0]][1], *(value_at(axis, float(end)) for end in ends)))
        reach.append(float(mean.max() - mean.min()))
    values, best_values, lows, highs = zip(*rows, strict=True)
    return Drift(name, along, values, best_values, lows, highs, tuple(reach))


def draw(projection: Projection, draws: int, seed: int) -> Array:
    """Draw a projection's function from the posterior: `(g, draws)`, in the objective's unit."""
    values, vectors = np.linalg.eigh(projection.covariance)
    normal = np.random.default_rng(seed).standard_normal((len(values), draws))
    drawn: Array = projection.mean[:, None] + vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * normal)
    return drawn
