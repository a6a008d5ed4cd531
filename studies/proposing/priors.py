"""Where good values are expected before any trial: what priors, defaults and rules of a space say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, log10

import numpy as np
from scipy.special import ndtr, ndtri

from search_spaces.catalogue.rules import Shift, rules_of
from search_spaces.space.nodes import Float, Group, Int, Prior
from studies.surrogate.domain import Array, Axis, Domain, coordinate, on_values
from studies.surrogate.integration import coordinates_at

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
        centre = self.centre + moved
        low, high = (ndtr((end - centre) / self.width) for end in (0.0, 1.0))
        found: Array = np.clip(centre + self.width * ndtri(low + uniform * (high - low)), 0.0, 1.0)
        return found

    def log_density(self, places: Array, moved: Array) -> Array:
        found: Array = -0.5 * ((places - self.centre - moved) / self.width) ** 2
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
    where one is declared. A prior speaks of the defaults, and the catalogue's rules move it where another
    choice stands elsewhere: without a norm the learning rate of SGD is expected lower than with batch norm.

    Args:
        space: what may vary.
        domain: the axes of it.
    """

    def __init__(self, space: Group, domain: Domain) -> None:
        self._domain = domain
        made = {d: _prior_of(axis) for d, axis in enumerate(domain.axes)}
        # Options first, since they move the centres of ranges.
        self._priors = {
            d: prior
            for kind in (_Options, _Range)
            for d, prior in made.items()
            if prior is not None and isinstance(prior, kind)
        }
        shifts = [rule for rule in rules_of(space) if isinstance(rule, Shift)]
        self._moves = {d: tuple(_moves(shifts, domain, d)) for d in self._priors}

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
        for move in self._moves[d]:
            moved += move.by * (places[:, move.gate] == move.option)
        return moved


def _moves(shifts: Sequence[Shift], domain: Domain, d: int) -> Iterator[_Move]:
    node = domain.axes[d].parameter.node
    if not isinstance(node, Float | Int) or not node.log:
        return
    for rule in shifts:
        if rule.parameter == domain.axes[d].name:
            gate = domain.names.index(rule.gate)
            default = getattr(domain.axes[gate].parameter.node, "default", None)
            by = log(rule.factor) / log(node.high / node.low)
            for option, other, sign in ((rule.on, rule.off, 1), (rule.off, rule.on, -1)):
                at = coordinate(domain.axes[gate], option)
                if default == other and at is not None:
                    yield _Move(gate, at, sign * by)


def _prior_of(axis: Axis) -> _Range | _Options | None:
    node = axis.parameter.node
    if isinstance(node, Float | Int):
        return _range(axis, node, node.prior) if node.prior is not None and node.low < node.high else None
    default = getattr(node, "default", None)
    at = None if default is None else coordinate(axis, default)
    return None if at is None or len(axis.nodes) == 1 else _Options(at, axis.nodes)


def _range(axis: Axis, node: Float | Int, prior: Prior) -> _Range:
    span = log10(node.high / node.low) if node.log else node.high - node.low
    centre = coordinate(axis, prior.centre)
    assert centre is not None  # a prior's centre is a number, and positive on a log scale
    return _Range(centre, WIDER * prior.width / span)
