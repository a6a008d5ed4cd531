"""Where good values are expected before any trial: what the priors and the defaults of a space say."""

from dataclasses import dataclass
from math import log10

import numpy as np
from scipy.special import ndtr, ndtri

from search_spaces.space.nodes import Float, Int, Prior
from studies.surrogate.domain import Array, Axis, Domain, coordinate, on_values
from studies.surrogate.integration import coordinates_at

DEFAULT = 0.75  # of the draws of a choice take its declared default, and the others any option alike
WIDER = 1.5  # times the width of a prior, since whoever writes one is surer than the data are


@dataclass(frozen=True)
class _Range:
    """A normal distribution on the coordinate of a range."""

    centre: float
    width: float

    def places(self, uniform: Array) -> Array:
        """Give the quantiles within the range, so none is heaped at its ends."""
        low, high = (ndtr((end - self.centre) / self.width) for end in (0.0, 1.0))
        found: Array = np.clip(self.centre + self.width * ndtri(low + uniform * (high - low)), 0.0, 1.0)
        return found

    def log_density(self, places: Array) -> Array:
        found: Array = -0.5 * ((places - self.centre) / self.width) ** 2
        return found


@dataclass(frozen=True, eq=False)
class _Options:
    """One option of a choice likelier than the others."""

    default: float
    nodes: Array

    def places(self, uniform: Array) -> Array:
        """Give the default for the first share, and all options alike for the rest."""
        rest = np.clip((uniform - DEFAULT) / (1 - DEFAULT), 0.0, 1.0 - 1e-12)
        found: Array = np.where(
            uniform < DEFAULT, self.default, self.nodes[(rest * len(self.nodes)).astype(int)]
        )
        return found

    def log_density(self, places: Array) -> Array:
        other = (1 - DEFAULT) / len(self.nodes)
        found: Array = np.where(places == self.default, 0.0, np.log(other / (DEFAULT + other)))
        return found


class Priors:
    """What is expected of a space before any trial, each parameter on its own.

    A range is expected where its `prior` says; without one, anywhere. A choice is expected at its `default`,
    where one is declared.

    Args:
        domain: of the space.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        made = {d: _prior_of(axis) for d, axis in enumerate(domain.axes)}
        self._priors = {d: prior for d, prior in made.items() if prior is not None}

    def __bool__(self) -> bool:
        """Say whether anything is expected at all."""
        return bool(self._priors)

    def places(self, uniform: Array) -> Array:
        """Give coordinates `(n, axes)`, the quantiles at points of the unit cube of the same shape."""
        places = coordinates_at(self._domain, uniform)
        for d, prior in self._priors.items():
            places[:, d] = on_values(self._domain.axes[d], prior.places(uniform[:, d]))
        return places

    def log_density(self, places: Array) -> Array:
        """Give the log of the density at places `(n, axes)`, 0 where it is highest, `(n,)`.

        Only parameters that exist at a place count.
        """
        active, total = self._domain.active(places), np.zeros(len(places))
        for d, prior in self._priors.items():
            total += np.where(active[:, d], prior.log_density(places[:, d]), 0.0)
        return total


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
