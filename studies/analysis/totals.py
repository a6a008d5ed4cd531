"""What a parameter explains alone and together with all others: its total share.

The total share is the part of the variance that is left when everything but the parameter is known, E[Var(f |
the others)] / Var f (Homma and Saltelli 1996). The inner variance is a sum over the options of a choice, or
a Gauss and Legendre rule along a range; the outer mean is quasi-random. A parameter whose total share is next
to nothing can be fixed.
"""

import numpy as np

from studies.analysis.domain import Array, Axis
from studies.analysis.integration import quasi_random
from studies.analysis.kernel import ABSENT
from studies.analysis.surrogate import Surrogate, points_of

POINTS = 512  # a power of two
VARIANCE_POINTS = 4096  # the same, for the variance that the shares are parts of
NODES = 4  # along a range


def total_shares(surrogate: Surrogate, seed: int) -> Array:
    """Measure the total share of each axis, `(axes,)`, of the surrogate's mean function."""
    domain = surrogate.domain
    drawn = quasi_random(domain, VARIANCE_POINTS, seed)
    variance = float(np.var(surrogate.mean(points_of(drawn, domain.active(drawn)))))
    gates = {gate for axis in domain.axes for gate in axis.conditions}
    totals = np.zeros(len(domain.axes))
    for d, axis in enumerate(domain.axes):
        # An axis that the surrogate does without changes nothing, unless others exist by it.
        if variance == 0 or (surrogate.kernel.variances[d] <= ABSENT and d not in gates):
            continue
        nodes, weights = _rule(axis)
        along = np.repeat(drawn[:POINTS], len(nodes), axis=0)
        along[:, d] = np.tile(nodes, POINTS)
        values = surrogate.mean(points_of(along, domain.active(along))).reshape(POINTS, len(nodes))
        spread = values**2 @ weights - (values @ weights) ** 2
        totals[d] = float(np.mean(spread)) / variance
    return totals


def _rule(axis: Axis) -> tuple[Array, Array]:
    if axis.is_discrete:
        return axis.nodes, axis.weights
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1) / 2, weights / 2
