"""A Gaussian process of the score over a conditional space, fitted by scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel

from studies.analysis.domain import Array, Domain, Mask
from studies.analysis.kernel import ORDERS, ConditionalKernel

NOISE_BOUNDS = (2e-7, 3.0)  # of the standardised score's variance
INSET = 0.2  # of the log of a hyperparameter, between the search and its bound
RIDGE = 1e-9  # keeps the covariance positive definite where trials repeat
MOST_FITTED = 400  # trials from which hyperparameters are searched; all of them enter the prediction
MOST_STEPS = 120  # of the optimiser, from each start
# What is believed before the trials: (centre, width) of the log of a hyperparameter.
LENGTH_PRIOR = (np.log(0.8), 0.7)
ORDER_PRIOR = (np.log(0.1), 1.5)
NOISE_PRIOR = (np.log(0.1), 1.5)
VARIANCE_SCALE = 0.5  # an exponential prior: an axis without effect costs nothing


Search = Callable[..., tuple[Array, float]]


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted Gaussian process of the standardised loss (mean zero, variance one over the trials).

    `points` is `(n, 2 * axes)` as `ConditionalKernel` reads it, `residual` `(n,)` the standardised loss.
    `weights` `(n,)` is the covariance's inverse times the residual, and `cholesky` `(n, n)` the lower factor
    of the covariance with its noise.
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
        steps: the optimiser's most steps from each start.

    Returns:
        The fitted surrogate. It is the same, to the bit, for the same arguments.
    """
    centre, scale = float(np.mean(loss)), float(np.std(loss)) or 1.0
    # Rounded, so that the last bits of an affine map of the objective do not reach the optimiser.
    standardised = np.round((loss - centre) / scale, 9)
    extra = np.round(variance / scale**2, 9)
    count = len(domain.axes)
    starts = [first_guess(count, 0.6), first_guess(count, 0.2)] if start is None else [start]
    search: Search | None = _searching_from(starts, count, steps)
    kernel = _unfitted(domain)
    if len(points) > MOST_FITTED:
        some = np.linspace(0, len(points) - 1, MOST_FITTED).astype(int)
        part = GaussianProcessRegressor(kernel, alpha=extra[some] + RIDGE, optimizer=search)
        kernel, search = part.fit(points[some], standardised[some]).kernel_, None
    process = GaussianProcessRegressor(kernel, alpha=extra + RIDGE, optimizer=search)
    process.fit(points, standardised)
    fitted = process.kernel_
    return Surrogate(
        domain,
        fitted.k1,
        float(fitted.k2.noise_level),
        points,
        process.alpha_,
        process.L_,
        centre,
        scale,
        fitted.theta,
    )


def _unfitted(domain: Domain) -> Any:
    count = len(domain.axes)
    return ConditionalKernel(
        domain.axes, np.full(count, 0.3), np.full(count, 0.5), np.full(ORDERS - 1, 0.5)
    ) + WhiteKernel(0.05, NOISE_BOUNDS)


def first_guess(count: int, length: float) -> Array:
    """Give the logs of hyperparameters from which a search begins, all axes having one length scale."""
    guess: Array = np.log(np.r_[np.full(ORDERS - 1, 0.5), np.full(count, length), np.full(count, 0.3), 0.05])
    return guess


def _searching_from(starts: list[Array], count: int, steps: int) -> Search:
    """Make an optimizer, as scikit-learn calls it, that adds the priors to the likelihood."""
    normal = np.zeros((2, len(starts[0])))
    normal[1] = np.inf
    normal[:, : ORDERS - 1] = np.array(ORDER_PRIOR)[:, None]
    normal[:, ORDERS - 1 : ORDERS - 1 + count] = np.array(LENGTH_PRIOR)[:, None]
    normal[:, -1] = NOISE_PRIOR
    variances = slice(ORDERS - 1 + count, -1)

    def search(
        objective: Callable[..., tuple[float, Array]], initial: Array, bounds: Array
    ) -> tuple[Array, float]:
        del initial  # scikit-learn's: the kernel's own hyperparameters

        def posterior(theta: Array) -> tuple[float, Array]:
            value, gradient = objective(theta, eval_gradient=True)
            away = (theta - normal[0]) / normal[1]
            sizes = np.exp(theta[variances]) / VARIANCE_SCALE
            gradient = gradient + away / normal[1]
            gradient[variances] += sizes
            return value + float(away @ away) / 2 + float(sizes.sum()), gradient

        # scikit-learn warns of a hyperparameter that ends at its bound; here many rightly do, so the search
        # stays just inside.
        inner = bounds + np.array([INSET, -INSET])
        best = min(
            (
                minimize(
                    posterior,
                    np.clip(s, *inner.T),
                    jac=True,
                    method="L-BFGS-B",
                    bounds=inner,
                    options={"maxiter": steps},
                )
                for s in starts
            ),
            key=lambda result: float(result.fun),
        )
        return best.x, float(best.fun)

    return search
