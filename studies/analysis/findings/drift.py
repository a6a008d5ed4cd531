"""How the best value of one parameter moves along another, and how much the one matters there."""

from dataclasses import dataclass

import numpy as np

from search_spaces.space.nodes import Value
from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.projection import Projection, project
from studies.surrogate.domain import Array, value_at

DRAWS = 300  # from the posterior
INTERVAL = (0.05, 0.95)
NEAR_END = 1 / 12  # of the range: closer to its ends the surrogate knows little
LEAST_MOVE = 0.1  # of the range: a kink or a step that the surrogate smooths moves its best value by less
LEAST_REACH = 0.25  # of the reach at the other end: a parameter that hardly matters has no best value there


@dataclass(frozen=True, eq=False)
class Drift:
    """The best value of `name` for each value of `along`, everything else averaged over.

    `best`, and `low` to `high`, its 90 % interval, belong to `values`. `reach` is how far the expected score
    moves along `name` there, from its best to its worst value, in the objective's unit. `ends` are the
    places in `values` between which a movement is told, a twelfth of the range from its ends, and `moves`
    is whether the trials show one: then the interval of the change leaves out zero, the intervals at both
    ends are apart, the movement is a tenth of the range or more, and the parameter matters at both ends.
    """

    name: str
    along: str
    values: tuple[Value, ...]
    best: tuple[Value, ...]
    low: tuple[Value, ...]
    high: tuple[Value, ...]
    reach: tuple[float, ...]
    ends: tuple[int, int]
    moves: bool


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
    reach, spans, bests, all_minima = [], [], [], []
    for position in dict.fromkeys(projection.positions[:, 1]):
        there = np.flatnonzero(projection.positions[:, 1] == position)
        places, mean = projection.positions[there, 0], projection.mean[there]
        minima = _least(places, drawn[there], between=not axis.is_discrete)
        # Between two options nothing is interpolated.
        low, high = (
            np.quantile(minima, INTERVAL, method="nearest")
            if axis.is_discrete
            else np.quantile(minima, INTERVAL)
        )
        best = float(_least(places, mean[:, None], between=not axis.is_discrete)[0])
        bests.append(best)
        spans.append((min(low, best), max(high, best)))
        all_minima.append(minima)
        ends = (best, *spans[-1])
        rows.append((projection.values[there[0]][1], *(value_at(axis, float(end)) for end in ends)))
        reach.append(float(mean.max() - mean.min()))
    values, best_values, lows, highs = zip(*rows, strict=True)
    first = round((len(values) - 1) * NEAR_END)
    last = len(values) - 1 - first
    change = np.quantile(all_minima[last] - all_minima[first], INTERVAL)
    apart = spans[first][1] < spans[last][0] or spans[last][1] < spans[first][0]
    moved = abs(bests[last] - bests[first])
    matters = min(reach[first], reach[last]) >= LEAST_REACH * max(reach[first], reach[last])
    shown = apart and (change[0] > 0 or change[1] < 0)
    return Drift(
        name, along, values, best_values, lows, highs, tuple(reach), (first, last),
        bool(axis.ordered and shown and matters and moved >= LEAST_MOVE),
    )  # fmt: skip


def _least(places: Array, values: Array, *, between: bool) -> Array:
    """Give where each of m functions, `(g, m)` at g places, is least, by a parabola between: `(m,)`."""
    at = np.argmin(values, axis=0)
    found = places[at]
    if not between:
        return np.asarray(found)
    inside = np.flatnonzero((at > 0) & (at < len(places) - 1))
    middle = at[inside]
    before, here, after = (values[middle + step, inside] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend > 0)
    found = found.astype(float)
    found[inside] += np.clip(shift, -0.5, 0.5) * (places[1] - places[0])
    return np.asarray(found)


def draw(projection: Projection, draws: int, seed: int) -> Array:
    """Draw a projection's function from the posterior: `(g, draws)`, in the objective's unit."""
    values, vectors = np.linalg.eigh(projection.covariance)
    normal = np.random.default_rng(seed).standard_normal((len(values), draws))
    drawn: Array = projection.mean[:, None] + vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * normal)
    return drawn
