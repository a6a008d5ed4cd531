"""Better coordinates for a pair that interacts: how much of the interaction a product or a ratio takes away.

If the score depends on lr / (1 - momentum), then in these coordinates the two no longer interact, and the
next study should search them. The score over the pair (all else averaged) is approximated by a sum of one
function for each coordinate, by least squares under the declared measure; what remains is the interaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

from search_spaces.space import Float, Int
from studies.analysis.domain import Array, Axis
from studies.analysis.importance import Fitted
from studies.analysis.projection import Projection, project

KNOTS = 8  # of the cubic spline along a coordinate
SLOPES = np.linspace(-2.5, 2.5, 101)  # of the valley in log units, searched beside the natural combinations
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Coordinate:
    """A combination of two parameters.

    `formula` reads `lr / (1 - momentum)`. `removed` is the part of the pair's interaction that is gone once
    the combination is searched in place of the first parameter; negative where it adds some.
    """

    names: tuple[str, str]
    formula: str
    removed: float


@dataclass(frozen=True)
class PairCoordinates:
    """The natural combinations of a pair, the best first, and the free one.

    `slope` is the power of the second parameter in `first * second ** slope` that removes most, and
    `removed_by_slope` how much.
    """

    names: tuple[str, str]
    candidates: tuple[Coordinate, ...]
    slope: float | None
    removed_by_slope: float | None


def find_coordinates(fitted: Fitted, names: tuple[str, str]) -> PairCoordinates:
    """Try the products and ratios of a pair of ranges.

    Returns:
        No candidate where one of the two has no scale on which a product makes sense: an option, or a range
        through zero.
    """
    domain = fitted.surrogate.domain
    axes = [domain.axes[domain.names.index(name)] for name in names]
    scales = [_log_scales(axis) for axis in axes]
    if not all(scales):
        return PairCoordinates(names, (), None, None)
    projection = project(fitted, *names)
    before = _interaction(projection, projection.positions[:, 0])
    if before < LEAST_VARIANCE:
        return PairCoordinates(names, (), None, None)
    logs = [
        {
            text: scale(np.array([row[i] for row in projection.values], dtype=float))
            for text, scale in scales[i]
        }
        for i in (0, 1)
    ]
    found = []
    for first, left in logs[0].items():
        for second, right in logs[1].items():
            for sign, operator in ((1, "*"), (-1, "/")):
                removed = 1 - _interaction(projection, left + sign * right) / before
                found.append(Coordinate(names, f"{first} {operator} {second}", removed))
    found.sort(key=lambda coordinate: -coordinate.removed)
    left, right = next(iter(logs[0].values())), next(iter(logs[1].values()))
    remaining = [_interaction(projection, left + slope * right) for slope in SLOPES]
    best = int(np.argmin(remaining))
    return PairCoordinates(names, tuple(found), float(SLOPES[best]), 1 - remaining[best] / before)


def _log_scales(axis: Axis) -> Sequence[tuple[str, Callable[[Array], Array]]]:
    """List the logs of a parameter: of itself above zero, of its distance from one below one."""
    node = axis.parameter.node
    if not isinstance(node, Float | Int) or node.low == node.high:
        return ()
    scales: list[tuple[str, Callable[[Array], Array]]] = []
    if isinstance(node, Float) and not node.log and node.low >= 0 and node.high < 1:
        scales.append((f"(1 - {axis.name})", lambda x: np.log(1 - x)))
    if node.low > 0:
        scales.append((axis.name, np.log))
    return scales


def _interaction(projection: Projection, first: Array) -> float:
    """Measure the variance that no sum of a function of `first` and one of the second parameter explains."""
    second = projection.positions[:, 1]
    design = np.hstack([_spline(first), _spline(second)])
    centred = projection.mean - projection.mean.mean()
    coefficients, *_ = np.linalg.lstsq(design, centred, rcond=1e-8)
    return float(np.mean((centred - design @ coefficients) ** 2))


def _spline(along: Array) -> Array:
    low, high = float(along.min()), float(along.max())
    inner = np.linspace(low, high, KNOTS)
    knots = np.r_[[low] * 3, inner, [high] * 3]
    design: Array = BSpline.design_matrix(np.clip(along, low, high), knots, 3).toarray()
    return design
