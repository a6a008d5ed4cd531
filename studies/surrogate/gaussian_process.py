"""A Gaussian process of the score over a conditional space, fitted to trials."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from studies.surrogate.domain import Array, Domain, Mask
from studies.surrogate.hyperparameters import MOST_STEPS, Posterior, search
from studies.surrogate.kernel import ConditionalKernel
from studies.surrogate.likelihood import RIDGE, Hyperparameters, Likelihood, Solved, solve

MOST_FITTED = 250  # trials from which hyperparameters are searched; all of them enter the prediction
MOST_POINTS = 400  # of trials that the prediction is written by; more of them are projected on as many
BLOCK = 2000  # trials that are projected at a time
LEAST_KNOWN = 1e-8  # of a direction of the projection, below which the trials say nothing of it


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted Gaussian process of the standardised loss (mean zero, variance one over the trials).

    `points` is `(n, 2 * axes)` as `ConditionalKernel` reads it. `weights` `(n,)` is the covariance's inverse
    times the standardised loss, and `cholesky` `(n, n)` the lower factor of the covariance with its noise.
    Of more than `MOST_POINTS` trials these are the points, weights and factor of as many trials that would
    say what all of them say of the function at these points. `theta` holds the logs of the hyperparameters.
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
    some = spread_over(len(points), MOST_FITTED)
    likelihood = Likelihood(domain, points[some], standardised[some], extra[some])
    theta = search(Posterior(likelihood, count), start, steps)
    found = Hyperparameters(theta, count)
    kernel = found.kernel(domain)
    if len(points) > MOST_POINTS:
        chosen = points[spread_over(len(points), MOST_POINTS)]
        solved = _projected(kernel, chosen, points, standardised, found.noise + extra)
        points = chosen
    else:
        solved = solve(kernel.between(points, points), standardised, found.noise + extra)
    return Surrogate(
        domain, kernel, found.noise, points, solved.weights, solved.cholesky, centre, scale, theta
    )


def spread_over(count: int, most: int) -> NDArray[np.intp]:
    """Choose at most `most` of `count` rows, evenly over their order."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.intp)


def _projected(kernel: ConditionalKernel, chosen: Array, points: Array, loss: Array, noise: Array) -> Solved:
    """Write what all trials say by a part of them: the projected process of Seeger et al. 2003.

    The posterior at the chosen points z, with A = K_zx N^-1 K_xz, has the mean K_z. (K_zz + A)^-1 K_zx
    N^-1 y, and its covariance is that of trials at z alone whose covariance with their noise is K_zz A^-1
    (A + K_zz).
    """
    among = kernel.between(chosen, chosen) + RIDGE * np.eye(len(chosen))
    known, told = np.zeros_like(among), np.zeros(len(chosen))
    for first in range(0, len(points), BLOCK):
        rows = slice(first, first + BLOCK)
        weighed = kernel.between(chosen, points[rows]) / np.sqrt(noise[rows])
        known += weighed @ weighed.T
        told += weighed @ (loss[rows] / np.sqrt(noise[rows]))
    factor = cholesky(among, lower=True)
    half = solve_triangular(factor, known, lower=True)
    values, vectors = np.linalg.eigh(solve_triangular(factor, half.T, lower=True))
    values = np.maximum(values, LEAST_KNOWN)
    root = factor @ vectors
    covariance = (root * ((1 + values) / values)) @ root.T
    inner = vectors.T @ solve_triangular(factor, told, lower=True) / (1 + values)
    weights = solve_triangular(factor, vectors @ inner, lower=True, trans="T")
    return Solved(cholesky((covariance + covariance.T) / 2, lower=True), weights)
