"""Functional ANOVA of any function on a conditional space, by quasi-random integration.

The closed form of `effects` is for the surrogate alone. This one is for what has no closed form: an exact
function, or the surrogate seen through other coordinates. The function is evaluated at two points and at
mixtures of their coordinates. Main shares follow Saltelli et al. 2010, table 2 (b), total ones Jansen 1999; a
pair's is the covariance of the function with its mixed difference, so what does not interact has almost none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import qmc

from studies.surrogate.domain import Array, Domain, Mask

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


def decompose(
    function: Function, domain: Domain, *, points: int = POINTS, seed: int = 0, pairs: bool = True
) -> Shares:
    """Measure what each parameter and each pair explains of a function.

    Args:
        function: takes coordinates and what is active, each `(n, axes)`, and gives `(n,)` values; it must not
            read inactive axes.
        domain: the axes.
        points: how many quasi-random points, a power of two; the error falls almost with their number.
        seed: of the scrambling.
        pairs: whether those are measured too, which is most of the work.

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

    def with_first(*kept: int) -> Array:
        """Evaluate the change when some of the second points' coordinates become the first's."""
        mixed = second.copy()
        mixed[:, kept] = first[:, kept]
        return function(mixed, domain.active(mixed)) - middle - at_second

    alone = [with_first(d) for d in range(count)]
    main = [float(np.mean(at_first * change)) / variance for change in alone]
    total = [float(np.mean(change**2)) / 2 / variance for change in alone]
    together = {
        (d, e): float(np.mean(at_first * (with_first(d, e) - alone[d] - alone[e]))) / variance
        for d, e in combinations(range(count if pairs else 0), 2)
    }
    names = domain.names
    return Shares(
        dict(zip(names, main, strict=True)),
        dict(zip(names, total, strict=True)),
        {(names[d], names[e]): share for (d, e), share in together.items()},
        variance,
    )
