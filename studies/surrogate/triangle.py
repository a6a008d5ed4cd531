"""The kernel of one axis among trials, with its derivative, as often as hyperparameters are tried.

A covariance of trials is symmetric, so its lower triangle is enough: `(n (n + 1) / 2,)` in one row. An axis
that some trials lack has entries for the pairs of the others only.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studies.surrogate.domain import Array, Axis, Mask
from studies.surrogate.kernel import axis_covariance, matern_with_slope


@dataclass(frozen=True, eq=False)
class Term:
    """An axis's kernel times its variance, and its derivative by the log of the length; both in one row.

    `slope` is None for an axis without a length.
    """

    value: Array
    slope: Array | None


class AmongTrials:
    """One axis among trials.

    Args:
        axis: the axis.
        places: the trials' coordinates on it, `(n,)`.
        exists: which trials have it, `(n,)`.
    """

    def __init__(self, axis: Axis, places: Array, exists: Mask) -> None:
        rows = np.flatnonzero(exists)
        self._axis, self._places = axis, places[rows]
        first, second = np.tril_indices(len(rows))
        self._flat = first * len(rows) + second
        left, right = rows[first], rows[second]
        # Where in the triangle of all trials those of this axis stand.
        self.pairs: slice | NDArray[np.intp] = slice(None) if exists.all() else left * (left + 1) // 2 + right
        self._ends = first, second

    @cached_property
    def _distances(self) -> Array:
        """Distances of the pairs, of the trials from the axis's nodes, and of these from one another."""
        first, second = self._ends
        nodes = self._axis.nodes
        parts = (
            self._places[first] - self._places[second],
            np.subtract.outer(self._places, nodes).ravel(),
            np.subtract.outer(nodes, nodes).ravel(),
        )
        return np.asarray(np.abs(np.concatenate(parts)))

    @cached_property
    def _fixed(self) -> Array:
        """The kernel of an axis without a length."""
        return self._triangle(axis_covariance(self._axis, 1.0, self._places, self._places))

    def _triangle(self, matrix: Array) -> Array:
        return np.take(matrix.ravel(), self._flat)

    def term(self, variance: float, length: float) -> Term:
        """Evaluate the axis's kernel at hyperparameters."""
        axis = self._axis
        if not axis.ordered or len(axis.nodes) == 1:
            return Term(variance * self._fixed, None)
        w = axis.weights
        values, slopes = matern_with_slope(self._distances, length)
        pairs, size = len(self._flat), len(w)
        mean, by_mean = (part[pairs : -(size**2)].reshape(-1, size) @ w for part in (values, slopes))
        nodes, by_nodes = (part[-(size**2) :].reshape(size, size) @ w for part in (values, slopes))
        value, slope = values[:pairs], slopes[:pairs]
        total, by_total = float(w @ nodes), float(w @ by_nodes)
        square = float(w @ nodes**2)
        scale = 1 - square / total
        by_scale = (square * by_total / total - 2 * float(w @ (nodes * by_nodes))) / total
        value -= self._triangle(np.outer(mean, mean / total))
        value *= variance / scale
        bent = by_mean / total - mean * (by_total / (2 * total**2))
        slope -= self._triangle(np.column_stack([mean, bent]) @ np.vstack([bent, mean]))
        slope *= variance / scale
        slope -= value * (by_scale / scale)
        return Term(value, slope)
