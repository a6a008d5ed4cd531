"""What tuning gains of a known function, by brute force on the function itself and by the definition.

Configurations are walked as dictionaries of values, and Shapley values are averaged over orders one by one,
so nothing of the analysis is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from search_spaces.space.nodes import Value
from search_spaces.space.parameters import default_of, parameters
from studies.surrogate.domain import coordinate, domain_of, value_at
from tests.studies.analysis.known_functions import Known

MOST_ORDERS = 5040  # of which all are walked; of more as many are drawn


@dataclass(frozen=True)
class TrueGains:
    """The gain of a configuration, the part of each parameter, and what its best value alone gives."""

    whole: float
    parts: Mapping[str, float]
    alone: Mapping[str, float]


def true_gains(case: Known, best: Mapping[str, Value], places: int = 513) -> TrueGains:
    """Measure what `best` gains on the defaults of a function that is to be small."""
    known, scores = parameters(case.space), dict[tuple[object, ...], float]()

    def tuned(these: Mapping[str, Value]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for parameter in known:
            if parameter.is_active(values):
                values[parameter.name] = these.get(parameter.name, default_of(parameter.node))
        return values

    def score(values: Mapping[str, Value]) -> float:
        key = tuple(sorted(values.items()))
        if key not in scores:
            scores[key] = float(scores_at(case, [values])[0])
        return scores[key]

    start = tuned({})
    players = [name for name, value in best.items() if value != default_of(_node(case, name))]
    parts = dict.fromkeys(players, 0.0)
    orders = _orders(players)
    for order in orders:
        now: dict[str, Value] = {}
        before = score(start)
        for name in order:
            now[name] = best[name]
            after = score(tuned(now))
            parts[name] += (before - after) / len(orders)
            before = after
    alone = {}
    for name in players:
        axis = domain_of(case.space).axes[domain_of(case.space).names.index(name)]
        line = axis.nodes if axis.is_discrete else np.linspace(0, 1, places)
        moved = [tuned({name: value_at(axis, float(place))}) for place in line]
        alone[name] = max(score(start) - float(scores_at(case, moved).min()), 0.0)
    return TrueGains(score(start) - score(best), parts, alone)


def scores_at(case: Known, configurations: Sequence[Mapping[str, Value]]) -> np.ndarray:
    """Evaluate a function at configurations that are given by their values."""
    domain = domain_of(case.space)
    places = np.zeros((len(configurations), len(domain.axes)))
    for row, values in enumerate(configurations):
        for d, axis in enumerate(domain.axes):
            if axis.name in values:
                places[row, d] = coordinate(axis, values[axis.name])
    active = np.array([[axis.name in values for axis in domain.axes] for values in configurations])
    return case.function(places, active)


def _node(case: Known, name: str):  # noqa: ANN202
    return next(parameter.node for parameter in parameters(case.space) if parameter.name == name)


def _orders(players: Sequence[str]) -> list[tuple[str, ...]]:
    if len(players) <= 7:
        return list(permutations(players))
    random = np.random.default_rng(0)
    return [tuple(random.permutation(players).tolist()) for _ in range(MOST_ORDERS)]
