"""Functional ANOVA of any function on a conditional space, by quasi-random integration.

The closed form of `effects` is for the surrogate alone. This one is for what has no closed form: an exact
function, or the surrogate seen through other coordinates. Each index is a covariance of the function at two
points that share some coordinates (Sobol 2001), with the symmetric estimator of Janon et al. 2014, equation
6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import qmc

from studies.analysis.domain import Array, Domain, Mask

Function = Callable[[Array, Mask], Array]
POINTS = 2**14


@dataclass(frozen=True)
class Shares:
    """Shares of a function's variance: of a parameter alone, with its interactions, and of a pair alone."""

    main: Mapping[str, float]
    total: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    variance: float


def coordinates_at(domain: Domain, uniform: Array) -> Array:
    """Turn uniform random numbers `(n, axes)` into coordinates that follow the declared measure."""
    coordinates = uniform.copy()
    for column, axis in enumerate(domain.axes):
        if axis.is_discrete:
            edges = np.cumsum(axis.weights)[:-1]
            coordinates[:, column] = axis.nodes[np.searchsorted(edges, uniform[:, column], side="right")]
    return coordinates


def quasi_random(domain: Domain, points: int, seed: int) -> Array:
    """Draw coordinates `(points, axes)` by a scrambled Sobol sequence; `points` is a power of two."""
    return coordinates_at(domain, qmc.Sobol(len(domain.axes), scramble=True, rng=seed).random(points))


def decompose(function: Function, domain: Domain, *, points: int = POINTS, seed: int = 0) -> Shares:
    """Measure what each parameter and each pair explains of a function.

    Args:
        function: takes coordinates and what is active, each `(n, axes)`, and gives `(n,)` values; it must not
            read inactive axes.
        domain: the axes.
        points: how many quasi-random points, a power of two; the error falls almost with their number.
        seed: of the scrambling.

    Returns:
        The shares; all zero for a constant function.
    """
    count = len(domain.axes)
    drawn = qmc.Sobol(2 * count, scramble=True, rng=seed).random(points)
    first, second = coordinates_at(domain, drawn[:, :count]), coordinates_at(domain, drawn[:, count:])
    at_first, at_second = (function(c, domain.active(c)) for c in (first, second))
    middle = float(np.mean(np.r_[at_first, at_second]))
    at_first, at_second = at_first - middle, at_second - middle
    variance = float(np.mean(np.r_[at_first, at_second] ** 2))
    if variance == 0:
        return Shares(dict.fromkeys(domain.names, 0.0), dict.fromkeys(domain.names, 0.0), {}, 0.0)

    def share_of(kept: tuple[int, ...]) -> float:
        """Measure the variance of E[f | kept axes], as a share."""
        frozen = second.copy()
        frozen[:, kept] = first[:, kept]
        changed = function(frozen, domain.active(frozen)) - middle
        mean = float(np.mean(at_first + changed)) / 2
        spread = float(np.mean(at_first**2 + changed**2)) / 2 - mean**2
        return (float(np.mean(at_first * changed)) - mean**2) / spread

    main = [share_of((d,)) for d in range(count)]
    total = [1 - share_of(tuple(e for e in range(count) if e != d)) for d in range(count)]
    pairs = {(d, e): share_of((d, e)) - main[d] - main[e] for d, e in combinations(range(count), 2)}
    names = domain.names
    return Shares(
        dict(zip(names, main, strict=True)),
        dict(zip(names, total, strict=True)),
        {(names[d], names[e]): share for (d, e), share in pairs.items()},
        variance,
    )
