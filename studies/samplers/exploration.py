"""Quasi-random points of a conditional space, the same whoever asks and in whatever order."""

from functools import lru_cache
from math import exp, log

import numpy as np
from scipy.stats import qmc

from search_spaces.parameters import default_values, options, parameters
from search_spaces.space import Float, Group, Int, Node, Value


def exploration_point(space: Group, *, index: int, seed: int) -> dict[str, Value]:
    """Give the point of an exploring slot: the defaults for index 0, a scrambled Sobol point (Owen 1998) for the others.

    Every parameter has a coordinate of its own, in the order of names, and the coordinates of branches not taken are left
    unused, so each branch's own parameters stay evenly spread too.

    Returns:
        The values of the active parameters, by full name.
    """
    if index == 0:
        return default_values(space)
    listed = parameters(space)
    order = {name: i for i, name in enumerate(sorted(parameter.name for parameter in listed))}
    point = _sobol(len(listed), max(index, 2).bit_length(), seed)[index - 1]
    values: dict[str, Value] = {}
    for parameter in listed:
        if parameter.is_active(values):
            values[parameter.name] = value_at(parameter.node, float(point[order[parameter.name]]))
    return values


@lru_cache(maxsize=4)
def _sobol(dimensions: int, exponent: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    # A Sobol sequence is balanced over its first 2**m points; a longer one of the same seed begins with the shorter one.
    return qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng([seed])).random_base2(exponent)


def value_at(node: Node, share: float) -> Value:
    """Give the value below which the share `share`, in [0, 1), of a node's own measure lies (its quantile)."""
    if isinstance(node, Float | Int):
        whole = isinstance(node, Int)
        low, high = (node.low - 0.5, node.high + 0.5) if whole else (node.low, node.high)
        value = exp(log(low) + share * (log(high) - log(low))) if node.log else low + share * (high - low)
        value = min(max(value, node.low), node.high)
        return min(max(round(value), int(node.low)), int(node.high)) if whole else value
    possible = options(node)
    return possible[min(int(share * len(possible)), len(possible) - 1)]
