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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from studies.analysis.domain import Array, Axis

ORDERS = 3  # interactions of more than three parameters are left to the noise
LENGTH_BOUNDS = (0.04, 5.0)
VARIANCE_BOUNDS = (1e-6, 2e2)
ORDER_BOUNDS = (1e-6, 2e3)


@dataclass(frozen=True, eq=False)
class AxisCovariance:
    """The kernel of one axis between two sets of points, and its derivative by the log of its length."""

    value: Array
    derivative: Array | None


def axis_covariance(
    axis: Axis, length: float, left: Array, right: Array, *, derivative: bool = False
) -> AxisCovariance:
    """Evaluate an axis's kernel.

    Args:
        axis: the axis.
        length: the length scale, in units of the axis's range; not read for an axis without an order.
        left: coordinates, `(n,)`.
        right: coordinates, `(m,)`.
        derivative: whether the derivative by log(length) is wanted.

    Returns:
        The kernel and its derivative, each `(n, m)`. An axis of one value has no function but zero.
    """
    if len(axis.nodes) == 1:
        zero = np.zeros((len(left), len(right)))
        return AxisCovariance(zero, zero if derivative else None)
    if not axis.ordered:
        count = len(axis.nodes)
        same = (left[:, None] == right[None, :]).astype(float)
        return AxisCovariance((same * count - 1) / (count - 1), np.zeros_like(same) if derivative else None)
    k, dk = _matern(left[:, None] - right[None, :], length, derivative=derivative)
    k_left, dk_left = _matern(left[:, None] - axis.nodes[None, :], length, derivative=derivative)
    k_right, dk_right = _matern(right[:, None] - axis.nodes[None, :], length, derivative=derivative)
    k_nodes, dk_nodes = _matern(axis.nodes[:, None] - axis.nodes[None, :], length, derivative=derivative)
    w = axis.weights
    mean_left, mean_right, mean_nodes = k_left @ w, k_right @ w, k_nodes @ w
    total = float(w @ mean_nodes)
    variance = 1 - float(w @ mean_nodes**2) / total
    value = (k - np.outer(mean_left, mean_right) / total) / variance
    if not derivative:
        return AxisCovariance(value, None)
    d_left, d_right, d_nodes = dk_left @ w, dk_right @ w, dk_nodes @ w
    d_total = float(w @ d_nodes)
    d_variance = (-2 * float(w @ (mean_nodes * d_nodes)) + float(w @ mean_nodes**2) * d_total / total) / total
    d_value = dk - (np.outer(d_left, mean_right) + np.outer(mean_left, d_right)) / total
    d_value += np.outer(mean_left, mean_right) * (d_total / total**2)
    return AxisCovariance(value, (d_value - value * d_variance) / variance)


def _matern(difference: Array, length: float, *, derivative: bool) -> tuple[Array, Array]:
    r = np.sqrt(5) * np.abs(difference) / length
    decay = np.exp(-r)
    value = (1 + r + r**2 / 3) * decay
    return value, (r**2 * (1 + r) / 3) * decay if derivative else value


def elementary(terms: Sequence[Array], shape: tuple[int, ...]) -> list[Array]:
    """Sum the products over all sets of 0, 1, 2 and 3 of the `terms`, each of the given shape."""
    sums = [np.ones(shape), *(np.zeros(shape) for _ in range(ORDERS))]
    for term in terms:
        for order in range(ORDERS, 0, -1):
            sums[order] += term * sums[order - 1]
    return sums


class ConditionalKernel(Kernel):  # type: ignore[misc] # scikit-learn ships without types
    """The covariance of this module for scikit-learn.

    A point is a row of `2 * axes` numbers: the coordinates, then one or zero for each axis that exists there
    or does not.

    Args:
        axes: the axes of the domain.
        variances: v_d, one for each axis.
        lengths: the length scale of each axis; one of an axis without an order does nothing.
        interactions: s_2 and s_3.
    """

    def __init__(self, axes: tuple[Axis, ...], variances: Array, lengths: Array, interactions: Array) -> None:
        self.axes = axes
        self.variances = variances
        self.lengths = lengths
        self.interactions = interactions

    @property
    def hyperparameter_variances(self) -> Hyperparameter:
        """The variances, searched on a log scale."""
        return Hyperparameter("variances", "numeric", VARIANCE_BOUNDS, len(self.axes))

    @property
    def hyperparameter_lengths(self) -> Hyperparameter:
        """The length scales, searched on a log scale."""
        return Hyperparameter("lengths", "numeric", LENGTH_BOUNDS, len(self.axes))

    @property
    def hyperparameter_interactions(self) -> Hyperparameter:
        """The weights of the orders two and three, searched on a log scale."""
        return Hyperparameter("interactions", "numeric", ORDER_BOUNDS, ORDERS - 1)

    @property
    def order_weights(self) -> Array:
        """s_0 to s_3."""
        return np.array([1.0, 1.0, *np.atleast_1d(self.interactions)])

    def axis_terms(self, left: Array, right: Array) -> list[Array]:
        """Evaluate z_d for each axis between points `(n, 2 * axes)` and `(m, 2 * axes)`; each `(n, m)`."""
        count = len(self.axes)
        return [
            float(np.atleast_1d(self.variances)[d])
            * np.outer(left[:, count + d], right[:, count + d])
            * axis_covariance(axis, self._length(d), left[:, d], right[:, d]).value
            for d, axis in enumerate(self.axes)
        ]

    def __call__(
        self,
        X: Array,  # noqa: N803 - scikit-learn's signature
        Y: Array | None = None,  # noqa: N803
        eval_gradient: bool = False,  # noqa: FBT001, FBT002
    ) -> Array | tuple[Array, Array]:
        """Evaluate the covariance of X and Y, and its gradient by the logs of the hyperparameters."""
        if eval_gradient:
            return self._with_gradient(X)
        return self.between(X, X if Y is None else Y)

    def between(self, left: Array, right: Array) -> Array:
        """Evaluate the covariance of points `(n, 2 * axes)` and `(m, 2 * axes)`: `(n, m)`."""
        sums = elementary(self.axis_terms(left, right), (len(left), len(right)))
        covariance: Array = sum(s * e for s, e in zip(self.order_weights, sums, strict=True))
        return covariance

    def _with_gradient(self, points: Array) -> tuple[Array, Array]:
        count, n = len(self.axes), len(points)
        both: list[Array] = []
        slopes: list[Array] = []
        for d, axis in enumerate(self.axes):
            kernel = axis_covariance(axis, self._length(d), points[:, d], points[:, d], derivative=True)
            scale = float(np.atleast_1d(self.variances)[d]) * np.outer(
                points[:, count + d], points[:, count + d]
            )
            both.append(scale * kernel.value)
            slopes.append(scale * np.asarray(kernel.derivative))
        sums = elementary(both, (n, n))
        weights = self.order_weights
        gradient = np.empty((n, n, 2 + 2 * count))
        for order in (2, 3):
            gradient[:, :, order - 2] = weights[order] * sums[order]
        for d in range(count):
            without = [sums[0]]  # the elementary polynomials of all the other axes
            for order in range(1, ORDERS):
                without.append(sums[order] - both[d] * without[order - 1])
            by_term = sum(weights[order] * without[order - 1] for order in range(1, ORDERS + 1))
            # scikit-learn orders hyperparameters by name: interactions, lengths, variances.
            gradient[:, :, 2 + d] = by_term * slopes[d]
            gradient[:, :, 2 + count + d] = by_term * both[d]
        covariance: Array = sum(s * e for s, e in zip(weights, sums, strict=True))
        return covariance, gradient

    def _length(self, axis: int) -> float:
        return float(np.atleast_1d(self.lengths)[axis])

    def diag(self, X: Array) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's signature
        """Evaluate the variance at each of the points X."""
        count = len(self.axes)
        terms = []
        for d, axis in enumerate(self.axes):
            terms.append(
                np.atleast_1d(self.variances)[d]
                * X[:, count + d]
                * axis_variance(axis, self._length(d), X[:, d])
            )
        sums = elementary(terms, (len(X),))
        variance: Array = sum(s * e for s, e in zip(self.order_weights, sums, strict=True))
        return variance

    def is_stationary(self) -> bool:
        """Say that the covariance depends on where the points lie, not on their distance alone."""
        return False


def axis_variance(axis: Axis, length: float, points: Array) -> Array:
    """Evaluate an axis's kernel between each point and itself."""
    if len(axis.nodes) == 1:
        return np.zeros(len(points))
    if not axis.ordered:
        return np.ones(len(points))
    k_points, _ = _matern(points[:, None] - axis.nodes[None, :], length, derivative=False)
    k_nodes, _ = _matern(axis.nodes[:, None] - axis.nodes[None, :], length, derivative=False)
    mean_nodes = k_nodes @ axis.weights
    total = float(axis.weights @ mean_nodes)
    variance: Array = (1 - (k_points @ axis.weights) ** 2 / total) / (
        1 - float(axis.weights @ mean_nodes**2) / total
    )
    return variance
