"""The joint model of the loss: what it predicts, and the improvement that it lets expect."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import norm

from studies.surrogate.domain import Array, Domain, Mask
from studies.surrogate.gaussian_process import Surrogate, fit

TAIL = -5.0  # deviations below which the expected improvement underflows


class Improvement:
    """The model of the loss, and what it expects beside trials that run.

    Those are taken to end as expected, so the next one is not proposed beside them.

    Args:
        domain: of the space.
        points: where trials ended, `(n, 2 * axes)`.
        loss: of each on the scale of the model, `(n,)`.
        running: where others run, `(m, 2 * axes)`.
        keeps: which of both keep the limits of the study, `(n + m,)`; only these are improved on.
        steps: of the search for hyperparameters at most.
    """

    def __init__(
        self, domain: Domain, points: Array, loss: Array, running: Array, *, keeps: Mask, steps: int
    ) -> None:
        surrogate = fit(domain, points, loss, np.zeros(len(loss)), steps=steps)
        if len(running):
            expected = surrogate.centre + surrogate.scale * surrogate.mean(running)
            points, loss = np.vstack([points, running]), np.r_[loss, expected]
            surrogate = fit(domain, points, loss, np.zeros(len(loss)), start=surrogate.theta, steps=1)
        self._surrogate = surrogate
        means = surrogate.mean(points)
        # While no trial keeps the limits, to improve on the worst is all that the loss asks for.
        self._incumbent = float(np.min(means[keeps]) if keeps.any() else np.max(means))

    def log_expected(self, points: Array) -> Array:
        """Give the log of the expected improvement at points `(k, 2 * axes)`, up to a constant, `(k,)`."""
        mean, deviation = predict(self._surrogate, points)
        return log_expected_improvement(self._incumbent - mean, deviation)

    def loss(self, points: Array) -> Array:
        """Give the loss that is expected at points `(k, 2 * axes)`, on the scale of the model, `(k,)`."""
        return self._surrogate.centre + self._surrogate.scale * self._surrogate.mean(points)


def predict(surrogate: Surrogate, points: Array) -> tuple[Array, Array]:
    """Give mean and deviation of the standardised loss at points `(m, 2 * axes)`."""
    cross = surrogate.kernel.between(points, surrogate.points)
    mean = cross @ surrogate.weights
    half = solve_triangular(surrogate.cholesky, cross.T, lower=True)
    prior = surrogate.kernel.variance_at(points)
    return mean, np.sqrt(np.maximum(prior - np.einsum("ij,ij->j", half, half), 1e-12))


def log_expected_improvement(gap: Array, deviation: Array) -> Array:
    """Give the log of the expected improvement; its tail by the asymptote, where it would underflow.

    Source: Ament et al., "Unexpected Improvements to Expected Improvement", NeurIPS 2023.
    """
    z = gap / deviation
    small = z < TAIL
    safe = np.where(small, 0.0, z)
    exact = np.log(norm.pdf(safe) + safe * norm.cdf(safe))
    far = np.where(small, z, TAIL)
    tail = norm.logpdf(far) - 2 * np.log(-far)
    found: Array = np.log(deviation) + np.where(small, tail, exact)
    return found
