"""Where good values are expected before any trial: what priors, defaults and rules of a space say."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from search_spaces.catalogue.rules import SHIFTS
from search_spaces.space.nodes import Float, Int, Prior
from studies.surrogate.domain import Array, Axis, Domain, coordinate, on_values
from studies.surrogate.integration import coordinates_at

FURTHEST = 4.0  # widths off the centre, beyond which a prior says no more, so that no wrong one is forever
WIDEST = 100.0  # of a width, in ranges: as good as none
DEFAULT = 0.75  # of the draws of a choice take its declared default, and the others any option alike
WIDER = 1.5  # times the width of a prior, since whoever writes one is surer than the data are


@dataclass(frozen=True)
class _Range:
    """A normal distribution on the coordinate of a range.

    Attributes:
        centre: its middle, which may be moved.
        width: one standard deviation.
    """

    centre: float
    width: float

    def places(self, uniform: Array, moved: Array) -> Array:
        """Give the quantiles within the range, so none is heaped at its ends."""
        centre = np.clip(self.centre + moved, 0.0, 1.0)
        low, high = (ndtr((end - centre) / self.width) for end in (0.0, 1.0))
        found: Array = np.clip(centre + self.width * ndtri(low + uniform * (high - low)), 0.0, 1.0)
        return found

    def log_density(self, places: Array, moved: Array) -> Array:
        off = (places - np.clip(self.centre + moved, 0.0, 1.0)) / self.width
        found: Array = -0.5 * np.minimum(np.abs(off), FURTHEST) ** 2
        return found


@dataclass(frozen=True, eq=False)
class _Options:
    """One option of a choice likelier than the others."""

    default: float
    nodes: Array

    def places(self, uniform: Array, moved: Array) -> Array:
        """Give the default for the first share, and all options alike for the rest."""
        rest = np.clip((uniform - DEFAULT) / (1 - DEFAULT), 0.0, 1.0 - 1e-12)
        found: Array = np.where(
            uniform < DEFAULT, self.default, self.nodes[(rest * len(self.nodes)).astype(int)]
        )
        return found

    def log_density(self, places: Array, moved: Array) -> Array:
        other = (1 - DEFAULT) / len(self.nodes)
        found: Array = np.where(places == self.default, 0.0, np.log(other / (DEFAULT + other)))
        return found


@dataclass(frozen=True)
class _Move:
    """A prior's centre lies elsewhere where the axis `gate` stands at `option`."""

    gate: int
    option: float
    by: float


class Priors:
    """What is expected of a space before any trial.

    A range is expected where its `prior` says; without one, anywhere. A choice is expected at its `default`,
    where one is declared. The catalogue's rules move a prior where a choice is not what the catalogue has
    written it for: without a norm the learning rate of SGD is expected lower than with batch norm.

    Args:
        domain: of the space.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        made = {d: _prior_of(axis) for d, axis in enumerate(domain.axes)}
        # Options first, since they move the centres of ranges.
        self._priors = {
            d: prior
            for kind in (_Options, _Range)
            for d, prior in made.items()
            if prior is not None and isinstance(prior, kind)
        }
        self._moves = {d: tuple(_moves(domain, d)) for d in self._priors}

    def __bool__(self) -> bool:
        """Say whether anything is expected at all."""
        return bool(self._priors)

    def places(self, uniform: Array) -> Array:
        """Give coordinates `(n, axes)`, the quantiles at points of the unit cube of the same shape."""
        places = coordinates_at(self._domain, uniform)
        for d, prior in self._priors.items():
            drawn = prior.places(uniform[:, d], self._moved(d, places))
            places[:, d] = on_values(self._domain.axes[d], drawn)
        return places

    def log_density(self, places: Array) -> Array:
        """Give the log of the density at places `(n, axes)`, 0 where it is highest, `(n,)`.

        Only parameters that exist at a place count.
        """
        active, total = self._domain.active(places), np.zeros(len(places))
        for d, prior in self._priors.items():
            density = prior.log_density(places[:, d], self._moved(d, places))
            total += np.where(active[:, d], density, 0.0)
        return total

    def _moved(self, d: int, places: Array) -> Array:
        moved = np.zeros(len(places))
        if self._moves[d]:
            active = self._domain.active(places)
            for move in self._moves[d]:
                moved += move.by * ((places[:, move.gate] == move.option) & active[:, move.gate])
        return moved


def _moves(domain: Domain, d: int) -> Iterator[_Move]:
    axis = domain.axes[d]
    node = axis.parameter.node
    for rule in SHIFTS:
        if rule.parameter != axis.name or rule.gate not in domain.names or rule.written is None:
            continue
        gate = domain.names.index(rule.gate)
        other, factor = (rule.off, 1 / rule.factor) if rule.written == rule.on else (rule.on, rule.factor)
        at = coordinate(domain.axes[gate], other)
        if at is not None and isinstance(node, Float | Int) and node.log and node.prior is not None:
            yield _Move(gate, at, _step(axis, node.prior.centre, node.prior.centre * factor))


def _prior_of(axis: Axis) -> _Range | _Options | None:
    node = axis.parameter.node
    if isinstance(node, Float | Int):
        return _range(axis, node, node.prior) if node.prior is not None and node.low < node.high else None
    default = getattr(node, "default", None)
    at = None if default is None else coordinate(axis, default)
    return None if at is None or len(axis.nodes) == 1 else _Options(at, axis.nodes)


def _range(axis: Axis, node: Float | Int, prior: Prior) -> _Range:
    centre, width = prior.centre, WIDER * prior.width
    if node.log:
        width *= _step(axis, 1.0, 10.0)  # a decade
    else:
        width *= _step(axis, 0.0, 1.0)
    at = coordinate(axis, centre)
    assert at is not None  # a prior's centre is a number, and positive on a log scale
    return _Range(at, min(width, WIDEST))


def _step(axis: Axis, start: float, end: float) -> float:
    """Give how far two values of a range are from each other, as a part of it."""
    first, second = coordinate(axis, start), coordinate(axis, end)
    assert first is not None
    assert second is not None
    return second - first
