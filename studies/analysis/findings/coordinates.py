"""Better coordinates for a pair that interacts: how much of the interaction a product or a ratio takes away.

If the score depends on lr / (1 - momentum), then in these coordinates the two no longer interact, and the
next study should search them. That study would search a box of the new coordinates, which is not the box
of the old ones, and a sum of functions that fits well on the old box may not on the new one: on a saddle,
say. So the score over the pair (all else averaged) is compared on boxes of the new coordinates that lie
inside the old box, with boxes of the old coordinates of the same sides around the same places.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from search_spaces.space.nodes import Float, Int
from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.projection import Projection, project
from studies.surrogate.domain import Array, Axis, Domain, value_at

POWERS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)  # of natural combinations
SLOPES = tuple(step / 20 for step in range(-60, 61) if step)  # powers searched beside them
NEAR = 0.15  # of a power, within which a natural one stands for it
SIDES = (0.5, 0.25)  # of the range of the second parameter: boxes of either size are looked at
PLACES = 3  # boxes along the range of the second parameter, of each size
POINTS = 15  # along each side of a box
NARROWEST = 0.15  # of the range of the first parameter, that a box must be wide
LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class Coordinate:
    """A combination of two parameters.

    `formula` reads `lr / (1 - momentum)`, `factors` are its two parts as they are written there, and `power`
    is that of the second one. `removed` is the part of the pair's interaction that is gone where the
    combination is searched in place of the first parameter; negative where it adds some.
    """

    names: tuple[str, str]
    factors: tuple[str, str]
    power: float
    removed: float

    @property
    def formula(self) -> str:
        """Write the combination: `lr / sqrt(batch)`, `lr * decay`, `lr * decay^2`."""
        (first, second), size = self.factors, abs(self.power)
        if size == 0.5:  # noqa: PLR2004 - a root
            second = f"sqrt({second.removeprefix('(').removesuffix(')')})"
        elif size != 1.0:
            second = f"{second}^{size:g}"
        return f"{first} {'*' if self.power > 0 else '/'} {second}"

    def logs(self, domain: Domain, places: Array) -> Array:
        """Give the log of the combination at coordinates of a domain, `(n, axes)`: `(n,)`."""
        found = np.zeros(len(places))
        for name, factor, power in zip(self.names, self.factors, (1.0, self.power), strict=True):
            column = domain.names.index(name)
            scale = dict(_log_scales(domain.axes[column]))[factor]
            found += power * scale(_values(domain.axes[column], places[:, column]))
        return found


@dataclass(frozen=True)
class PairCoordinates:
    """The natural combinations of a pair, the best first, and the free one.

    `slope` is the power of the second parameter in `first * second ** slope` that removes most, and
    `removed_by_slope` how much; `free` is that combination.
    """

    names: tuple[str, str]
    candidates: tuple[Coordinate, ...]
    slope: float | None
    removed_by_slope: float | None

    free: Coordinate | None = None

    @property
    def offered(self) -> Coordinate | None:
        """The best natural combination, if its power is near the free one's, else the free one."""
        if not self.candidates or self.free is None:
            return None
        best = self.candidates[0]
        return best if abs(best.power - self.free.power) <= NEAR * max(abs(best.power), 1) else self.free


def find_coordinates(fitted: Fitted, names: tuple[str, str]) -> PairCoordinates:
    """Try the products and ratios of a pair of ranges, with powers of the second.

    Returns:
        No candidate where one of the two has no scale on which a product makes sense: an option, or a range
        through zero.
    """
    domain = fitted.surrogate.domain
    axes = [domain.axes[domain.names.index(name)] for name in names]
    scales = [_log_scales(axis) for axis in axes]
    if not all(scales):
        return PairCoordinates(names, (), None, None)
    surface = _Surface(project(fitted, *names), (axes[0], axes[1]))
    if not surface.varies:
        return PairCoordinates(names, (), None, None)
    found, free = [], []
    for first, left in scales[0]:
        for second, right in scales[1]:
            removed = {power: surface.removed(left, right, power) for power in (*SLOPES, *POWERS)}
            found += [Coordinate(names, (first, second), power, removed[power]) for power in POWERS]
            best = max(SLOPES, key=removed.__getitem__)
            free.append(Coordinate(names, (first, second), float(best), removed[best]))
    found.sort(key=lambda coordinate: -coordinate.removed)
    freest = max(free, key=lambda coordinate: coordinate.removed)
    return PairCoordinates(names, tuple(found), freest.power, freest.removed, freest)


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


class _Surface:
    """The score over a pair as a smooth function of both coordinates."""

    def __init__(self, projection: Projection, axes: tuple[Axis, Axis]) -> None:
        self._axes = axes
        sides = [np.unique(projection.positions[:, place]) for place in (0, 1)]
        values = projection.mean.reshape(len(sides[0]), len(sides[1]))
        method = "cubic" if min(map(len, sides)) > 3 else "linear"  # noqa: PLR2004 - a cubic needs four
        self._low, self._high = np.array([[side[0], side[-1]] for side in sides]).T
        self._at = RegularGridInterpolator(sides, values, method=method)
        self.varies = bool(np.var(values) > LEAST_VARIANCE)

    def removed(self, left: Callable[[Array], Array], right: Callable[[Array], Array], power: float) -> float:
        """Measure how much of the interaction searching `left + power * right` in place of `left` removes."""
        before = after = 0.0
        for first, second, shift in self._boxes(left, right, power):
            before += self._interaction(first, second, np.zeros_like(shift))
            after += self._interaction(first, second, shift)
        return 1 - after / before if before > 0 else 0.0

    def _boxes(
        self, left: Callable[[Array], Array], right: Callable[[Array], Array], power: float
    ) -> Iterator[tuple[Array, Array, Array]]:
        """Give boxes: positions along both sides, and how far the first moves along the second."""
        one, other = self._axes
        units = np.linspace(0, 1, POINTS)
        scale = left(_values(one, np.array([self._low[0], self._high[0]])))
        unit = float(scale[1] - scale[0]) / (self._high[0] - self._low[0])
        for side in SIDES:
            length = side * (self._high[1] - self._low[1])
            for start in np.linspace(self._low[1], self._high[1] - length, PLACES):
                second = start + length * units
                shift = -power * right(_values(other, second)) / unit
                shift = shift - (shift.min() + shift.max()) / 2
                reach = float(shift.max())
                low, high = self._low[0] + reach, self._high[0] - reach
                if high - low >= NARROWEST:
                    yield low + (high - low) * units, second, shift

    def _interaction(self, first: Array, second: Array, shift: Array) -> float:
        """Measure the variance that no sum of a function of the one side and one of the other explains."""
        rows, columns = np.meshgrid(first, second, indexing="ij")
        moved = np.clip(rows + shift[None, :], self._low[0], self._high[0])
        values = self._at(np.stack([moved, columns], axis=-1))
        values = values - values.mean(axis=0, keepdims=True)
        values = values - values.mean(axis=1, keepdims=True)
        return float(np.mean(values**2))


def _values(axis: Axis, positions: Array) -> Array:
    node = axis.parameter.node
    if isinstance(node, Int):
        low, high = node.low - 0.5, node.high + 0.5
        return low * (high / low) ** positions if node.log else low + positions * (high - low)
    return np.array([float(value_at(axis, float(position))) for position in positions])
