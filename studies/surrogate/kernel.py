"""The covariance of a function on a conditional space: a sum over sets of axes that are orthogonal.

Each axis has a kernel whose functions average to zero under the declared measure: a Matérn 5/2 with its mean
taken out for a range (Durrande et al. 2013, equation 7), contrasts between options for a choice. The
covariance of two points is

    1 + s_1 e_1(z) + s_2 e_2(z) + s_3 e_3(z),    z_d = a_d a'_d v_d k_d(x_d, x'_d),

with e_r the elementary symmetric polynomials (the sum of the products over all sets of r axes), v_d the
variance of an axis, s_r the weight of an order (s_1 = 1), and a_d one where the axis exists and zero where it
does not (orthogonal additive kernel: Lu, Boukouvalas and Hensman 2022). An inactive axis so adds nothing to
any covariance: on its branch the function is what it is on average over that axis, and no constant has to be
imputed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from studies.surrogate.domain import Array, Axis

GRID = 129  # points of a range at which its variance is evaluated
ORDERS = 3  # interactions of more than three parameters are left to the noise
ABSENT = 1e-6  # the variance at which an axis is left out


def axis_covariance(axis: Axis, length: float, left: Array, right: Array) -> Array:
    """Evaluate an axis's kernel.

    Args:
        axis: the axis.
        length: the length scale, in units of the axis's range; not read for an axis without an order.
        left: coordinates, `(n,)`.
        right: coordinates, `(m,)`.

    Returns:
        The kernel, `(n, m)`. An axis of one value has no function but zero.
    """
    if len(axis.nodes) == 1:
        return np.zeros((len(left), len(right)))
    if not axis.ordered:
        count = len(axis.nodes)
        same = (left[:, None] == right[None, :]).astype(float)
        return np.asarray((same * count - 1) / (count - 1))
    w = axis.weights
    mean_left = matern(np.abs(left[:, None] - axis.nodes[None, :]), length) @ w
    mean_right = matern(np.abs(right[:, None] - axis.nodes[None, :]), length) @ w
    mean_nodes = matern(np.abs(axis.nodes[:, None] - axis.nodes[None, :]), length) @ w
    total = float(w @ mean_nodes)
    variance = 1 - float(w @ mean_nodes**2) / total
    value = matern(np.abs(left[:, None] - right[None, :]), length)
    value -= np.outer(mean_left, mean_right / total)
    value /= variance
    return value


def matern(distance: Array, length: float) -> Array:
    """Evaluate the Matérn kernel of smoothness 5/2 (Rasmussen and Williams 2006, equation 4.17)."""
    r = distance * (np.sqrt(5) / length)
    decay = np.exp(-r)
    value: Array = r * r
    value /= 3
    value += r
    value += 1
    value *= decay
    return value


def matern_with_slope(distance: Array, length: float) -> tuple[Array, Array]:
    """Evaluate `matern`, and its derivative by the log of the length."""
    r = distance * (np.sqrt(5) / length)
    decay = np.exp(-r)
    third = r * r
    third /= 3
    r += 1
    slope: Array = third * r
    slope *= decay
    r += third
    r *= decay
    return r, slope


def elementary(terms: Iterable[Array], shape: tuple[int, ...]) -> list[Array]:
    """Sum the products over all sets of 0, 1, 2 and 3 of the `terms`, each of the given shape."""
    sums = [np.ones(shape), *(np.zeros(shape) for _ in range(ORDERS))]
    for term in terms:
        for order in range(ORDERS, 0, -1):
            sums[order] += term * sums[order - 1]
    return sums


@dataclass(frozen=True, eq=False)
class ConditionalKernel:
    """The covariance of this module.

    A point is a row of `2 * axes` numbers: the coordinates, then one or zero for each axis that exists there
    or does not.

    Args:
        axes: the axes of the domain.
        variances: v_d, one for each axis; one at `ABSENT` or below is left out, as if the axis did not
            matter.
        lengths: the length scale of each axis; one of an axis without an order does nothing.
        interactions: s_2 and s_3.
    """

    axes: tuple[Axis, ...]
    variances: Array
    lengths: Array
    interactions: Array

    @property
    def order_weights(self) -> Array:
        """s_0 to s_3."""
        return np.array([1.0, 1.0, *self.interactions])

    @property
    def present(self) -> tuple[int, ...]:
        """The axes that are not left out."""
        return tuple(int(d) for d in np.flatnonzero(self.variances > ABSENT))

    def axis_term(self, axis: int, left: Array, right: Array) -> Array:
        """Evaluate z_d for one axis between points `(n, 2 * axes)` and `(m, 2 * axes)`: `(n, m)`.

        The axis is evaluated only where it exists: in a space of many branches that is a small part.
        """
        count = len(self.axes)
        rows, columns = np.flatnonzero(left[:, count + axis]), np.flatnonzero(right[:, count + axis])
        value = axis_covariance(
            self.axes[axis], float(self.lengths[axis]), left[rows, axis], right[columns, axis]
        )
        value *= self.variances[axis]
        if len(rows) == len(left) and len(columns) == len(right):
            return value
        whole = np.zeros((len(left), len(right)))
        whole[np.ix_(rows, columns)] = value
        return whole

    def between(self, left: Array, right: Array) -> Array:
        """Evaluate the covariance of points `(n, 2 * axes)` and `(m, 2 * axes)`: `(n, m)`."""
        terms = (self.axis_term(d, left, right) for d in self.present)
        return self.of_sums(elementary(terms, (len(left), len(right))))

    def variance_at(self, points: Array) -> Array:
        """Evaluate the variance at points `(m, 2 * axes)`: the diagonal of `between`, `(m,)`.

        Along a range it is smooth, and read off a grid.
        """
        count, terms = len(self.axes), []
        for d in self.present:
            axis, length = self.axes[d], float(self.lengths[d])
            grid = axis.nodes if axis.is_discrete else np.linspace(0.0, 1.0, GRID)
            along = np.diagonal(axis_covariance(axis, length, grid, grid))
            order = np.argsort(grid)
            value = np.interp(points[:, d], grid[order], along[order])
            terms.append(self.variances[d] * value * points[:, count + d])
        return self.of_sums(elementary(terms, (len(points),)))

    def of_sums(self, sums: Sequence[Array]) -> Array:
        """Weigh the elementary polynomials of orders 0 to 3."""
        covariance: Array = sum(s * e for s, e in zip(self.order_weights, sums, strict=True))
        return covariance
