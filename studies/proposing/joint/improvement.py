"""What the search of the joint model goes by: predictions, and the improvement that they let expect."""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.stats import norm

from studies.surrogate.domain import Array
from studies.surrogate.gaussian_process import Surrogate

TAIL = -5.0  # deviations below which the expected improvement underflows


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
