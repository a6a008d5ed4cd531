"""A Gaussian process of the score over a conditional space, fitted to trials."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from studies.analysis.domain import Array, Domain, Mask
from studies.analysis.kernel import ConditionalKernel
from studies.analysis.likelihood import Hyperparameters, Likelihood, solve
from studies.analysis.search import MOST_STEPS, Posterior, search

MOST_FITTED = 400  # trials from which hyperparameters are searched; all of them enter the prediction


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted Gaussian process of the standardised loss (mean zero, variance one over the trials).

    `points` is `(n, 2 * axes)` as `ConditionalKernel` reads it. `weights` `(n,)` is the covariance's inverse
    times the standardised loss, and `cholesky` `(n, n)` the lower factor of the covariance with its noise.
    `theta` holds the logs of the hyperparameters.
    """

    domain: Domain
    kernel: ConditionalKernel
    noise: float
    points: Array
    weights: Array
    cholesky: Array
    centre: float
    scale: float
    theta: Array

    def mean(self, points: Array) -> Array:
        """Predict the standardised loss at points `(m, 2 * axes)`."""
        return self.kernel.between(points, self.points) @ self.weights

    def posterior(self, points: Array) -> tuple[Array, Array]:
        """Give the mean `(m,)` and the covariance `(m, m)` of the standardised loss at points."""
        cross = solve_triangular(self.cholesky, self.kernel.between(self.points, points), lower=True)
        return self.mean(points), self.kernel.between(points, points) - cross.T @ cross


def points_of(coordinates: Array, active: Mask) -> Array:
    """Write coordinates and activity, each `(n, axes)`, as the kernel reads them."""
    return np.hstack([np.where(active, coordinates, 0.0), active.astype(float)])


def fit(
    domain: Domain,
    points: Array,
    loss: Array,
    variance: Array,
    *,
    start: Array | None = None,
    steps: int = MOST_STEPS,
) -> Surrogate:
    """Fit the surrogate by the mode of its hyperparameters' posterior.

    Args:
        domain: the axes.
        points: `(n, 2 * axes)`.
        loss: what was observed, `(n,)`, in the objective's unit.
        variance: how uncertain each observation is beyond the noise that all share, `(n,)`, in the
            objective's unit squared.
        start: the logs of hyperparameters to begin from; by default the search begins from smooth and from
            rough functions.
        steps: the optimiser's most steps in each round.

    Returns:
        The fitted surrogate. It is the same, to the bit, for the same arguments.
    """
    centre, scale = float(np.mean(loss)), float(np.std(loss)) or 1.0
    # Rounded, so that the last bits of an affine map of the objective do not reach the optimiser.
    standardised = np.round((loss - centre) / scale, 9)
    extra = np.round(variance / scale**2, 9)
    count = len(domain.axes)
    some = np.arange(len(points))
    if len(points) > MOST_FITTED:
        some = np.linspace(0, len(points) - 1, MOST_FITTED).astype(int)
    likelihood = Likelihood(domain, points[some], standardised[some], extra[some])
    theta = search(Posterior(likelihood, count), start, steps)
    found = Hyperparameters(theta, count)
    kernel = found.kernel(domain)
    solved = solve(kernel.between(points, points), standardised, found.noise + extra)
    return Surrogate(
        domain, kernel, found.noise, points, solved.weights, solved.cholesky, centre, scale, theta
    )
