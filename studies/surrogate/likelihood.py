"""How likely trials are under a kernel, and in which direction its hyperparameters make them likelier.

The marginal likelihood of a Gaussian process (Rasmussen and Williams 2006, equations 2.30 and 5.9).
scikit-learn computes it too, but wants the derivative of the whole covariance by each of some hundred
hyperparameters first, which took most of the time. Here the derivative of each axis is summed up at once,
over the trials in which the axis exists, and what no hyperparameter changes is computed once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.linalg.lapack import dpotri

from studies.surrogate.domain import Array, Domain
from studies.surrogate.kernel import ORDERS, ConditionalKernel, axis_covariance

RIDGE = 1e-9  # keeps the covariance positive definite where trials repeat


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """What is searched, as one vector of logs: s_2 and s_3, the lengths, the variances, the noise."""

    logs: Array
    count: int

    @property
    def lengths(self) -> slice:
        """Where the lengths of the axes stand."""
        return slice(ORDERS - 1, ORDERS - 1 + self.count)

    @property
    def variances(self) -> slice:
        """Where the variances of the axes stand."""
        return slice(ORDERS - 1 + self.count, ORDERS - 1 + 2 * self.count)

    @property
    def noise(self) -> float:
        """The variance of the noise that all trials share."""
        return float(np.exp(self.logs[-1]))

    def kernel(self, domain: Domain) -> ConditionalKernel:
        """Make the kernel."""
        return ConditionalKernel(
            domain.axes,
            np.exp(self.logs[self.variances]),
            np.exp(self.logs[self.lengths]),
            np.exp(self.logs[: ORDERS - 1]),
        )


@dataclass(frozen=True, eq=False)
class Solved:
    """The lower factor of the covariance of trials, `(n, n)`, and its inverse times their loss, `(n,)`."""

    cholesky: Array
    weights: Array


def solve(covariance: Array, loss: Array, noise: Array) -> Solved:
    """Factor the covariance of trials, `(n, n)`, with the variance of each one's noise, `(n,)`.

    Raises:
        LinAlgError: it is not positive definite.
    """
    factor = cholesky(covariance + np.diag(noise + RIDGE), lower=True)
    return Solved(factor, cho_solve((factor, True), loss))


class Likelihood:
    """The negative log marginal likelihood of trials, and its gradient.

    Args:
        domain: the axes.
        points: `(n, 2 * axes)`, as the kernel reads them.
        loss: standardised, `(n,)`.
        variance: of each trial's loss beyond the noise that all share, `(n,)`.
    """

    def __init__(self, domain: Domain, points: Array, loss: Array, variance: Array) -> None:
        count = len(domain.axes)
        self._domain, self._loss, self._variance = domain, loss, variance
        self._rows = [np.flatnonzero(points[:, count + d]) for d in range(count)]
        self._places = [points[rows, d] for d, rows in enumerate(self._rows)]
        # The kernel of a choice has no length scale.
        self._choices = {
            d: axis_covariance(axis, 1.0, self._places[d], self._places[d]).value
            for d, axis in enumerate(domain.axes)
            if not axis.ordered
        }

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Evaluate it; an axis whose variance is `ABSENT` is left out and its derivatives are zero."""
        n, given = len(self._loss), Hyperparameters(logs, len(self._domain.axes))
        kernel = given.kernel(self._domain)
        terms, slopes = {}, {}
        sums = [np.ones((n, n)), *(np.zeros((n, n)) for _ in range(ORDERS))]
        for d in kernel.present:
            terms[d], slopes[d] = self._term(kernel, d)
            block = self._block(d)
            for order in range(ORDERS, 0, -1):
                sums[order][block] += terms[d] * sums[order - 1][block]
        gradient = np.zeros_like(logs)
        try:
            solved = solve(kernel.of_sums(sums), self._loss, given.noise + self._variance)
        except LinAlgError:
            return np.inf, gradient
        inverse, _ = dpotri(solved.cholesky, lower=True)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        by_covariance = (inverse - np.outer(solved.weights, solved.weights)) / 2
        weights = kernel.order_weights
        for order in (2, 3):
            gradient[order - 2] = weights[order] * np.vdot(by_covariance, sums[order])
        for d, term in terms.items():
            block = self._block(d)
            # The elementary polynomials of all the other axes, times the weight of one order more.
            first = sums[1][block] - term
            by_term = weights[1] + weights[2] * first + weights[3] * (sums[2][block] - term * first)
            by_term *= by_covariance[block]
            slope = slopes[d]
            gradient[given.lengths.start + d] = 0.0 if slope is None else np.vdot(by_term, slope)
            gradient[given.variances.start + d] = np.vdot(by_term, term)
        gradient[-1] = given.noise * float(np.trace(by_covariance))
        value = self._loss @ solved.weights / 2 + np.log(np.diag(solved.cholesky)).sum()
        return float(value + n * np.log(2 * np.pi) / 2), gradient

    def _block(self, axis: int) -> Any:
        rows = self._rows[axis]
        return (slice(None), slice(None)) if len(rows) == len(self._loss) else np.ix_(rows, rows)

    def _term(self, kernel: ConditionalKernel, d: int) -> tuple[Array, Array | None]:
        variance = float(kernel.variances[d])
        if d in self._choices:
            return variance * self._choices[d], None
        places = self._places[d]
        found = axis_covariance(kernel.axes[d], float(kernel.lengths[d]), places, places, derivative=True)
        return variance * found.value, variance * np.asarray(found.derivative)
