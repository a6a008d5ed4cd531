"""Quasi-random points of a conditional space, the same whoever asks and in whatever order."""

from functools import lru_cache
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from search_spaces.space.nodes import Float, Group, Int, Node, Value
from search_spaces.space.parameters import default_values, options, parameters

Points = NDArray[np.float64]  # (points, dimensions), in [0, 1)


def exploration_point(space: Group, *, index: int, seed: int) -> dict[str, Value]:
    """Give the point of an exploring slot: the defaults for index 0, a scrambled Sobol point for the others.

    Source of the scrambling: Owen, "Scrambling Sobol' and Niederreiter-Xing Points", 1998.

    Every parameter has a coordinate of its own, in the order of names, and the coordinates of branches not
    taken are left unused, so each branch's own parameters stay evenly spread too.

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
def _sobol(dimensions: int, exponent: int, seed: int) -> Points:
    # A Sobol sequence is balanced over its first 2**m points; a longer one of the same seed begins with the
    # shorter one.
    points: Points = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng([seed])).random_base2(
        exponent
    )
    return points


def value_at(node: Node, share: float) -> Value:
    """Give a node's quantile: the value below which the share `share`, in [0, 1), of its measure lies."""
    if isinstance(node, Float | Int):
        whole = isinstance(node, Int)
        low, high = (node.low - 0.5, node.high + 0.5) if whole else (node.low, node.high)
        value = exp(log(low) + share * (log(high) - log(low))) if node.log else low + share * (high - low)
        value = min(max(value, node.low), node.high)
        return min(max(round(value), int(node.low)), int(node.high)) if whole else value
    possible = options(node)
    return possible[min(int(share * len(possible)), len(possible) - 1)]
