"""How likely trials are under a kernel, and in which direction its hyperparameters make them likelier.

The marginal likelihood of a Gaussian process (Rasmussen and Williams 2006, equations 2.30 and 5.9).
scikit-learn computes it too, but wants the derivative of the whole covariance by each of some hundred
hyperparameters first, which took most of the time. Here the derivative of each axis is summed up at once,
over the trials in which the axis exists, and what no hyperparameter changes is computed once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.linalg.lapack import dpotri

from studies.surrogate.domain import Array, Domain
from studies.surrogate.kernel import ORDERS, ConditionalKernel
from studies.surrogate.triangle import AmongTrials, Term

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

    Covariances are symmetric, so each is held as its lower triangle in one row, `(n (n + 1) / 2,)`.

    Args:
        domain: the axes.
        points: `(n, 2 * axes)`, as the kernel reads them.
        loss: standardised, `(n,)`.
        variance: of each trial's loss beyond the noise that all share, `(n,)`.
    """

    def __init__(self, domain: Domain, points: Array, loss: Array, variance: Array) -> None:
        count = len(domain.axes)
        self._domain, self._loss, self._variance = domain, loss, variance
        self._lower = np.tril_indices(len(loss))
        self._flat = np.ravel_multi_index(self._lower, (len(loss), len(loss)))
        self._axes = [
            AmongTrials(axis, points[:, d], points[:, count + d] > 0) for d, axis in enumerate(domain.axes)
        ]

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """Evaluate it; an axis whose variance is `ABSENT` is left out and its derivatives are zero."""
        n, given = len(self._loss), Hyperparameters(logs, len(self._domain.axes))
        kernel = given.kernel(self._domain)
        terms: dict[int, Term] = {}
        sums = [np.ones(len(self._flat)), *(np.zeros(len(self._flat)) for _ in range(ORDERS))]
        for d in kernel.present:
            along = self._axes[d]
            terms[d] = along.term(float(kernel.variances[d]), float(kernel.lengths[d]))
            for order in range(ORDERS, 0, -1):
                sums[order][along.pairs] += terms[d].value * sums[order - 1][along.pairs]
        gradient = np.zeros_like(logs)
        covariance = np.zeros((n, n))
        covariance[self._lower] = kernel.of_sums(sums)
        try:
            solved = solve(covariance, self._loss, given.noise + self._variance)
        except LinAlgError:
            return np.inf, gradient
        inverse, _ = dpotri(solved.cholesky, lower=True)
        inverse -= np.outer(solved.weights, solved.weights)
        trace = float(np.trace(inverse)) / 2
        # Each pair of two trials stands for both of its orders.
        by_covariance = inverse.ravel()[self._flat]
        by_covariance[self._lower[0] == self._lower[1]] /= 2
        weights = kernel.order_weights
        for order in (2, 3):
            gradient[order - 2] = weights[order] * np.vdot(by_covariance, sums[order])
        for d, term in terms.items():
            along = self._axes[d]
            # The elementary polynomials of all the other axes, times the weight of one order more.
            first = sums[1][along.pairs] - term.value
            by_term = sums[2][along.pairs] - term.value * first
            by_term *= weights[3]
            first *= weights[2]
            by_term += first
            by_term += weights[1]
            by_term *= by_covariance[along.pairs]
            if term.slope is not None:
                gradient[given.lengths.start + d] = np.vdot(by_term, term.slope)
            gradient[given.variances.start + d] = np.vdot(by_term, term.value)
        gradient[-1] = given.noise * trace
        value = self._loss @ solved.weights / 2 + np.log(np.diag(solved.cholesky)).sum()
        return float(value + n * np.log(2 * np.pi) / 2), gradient
