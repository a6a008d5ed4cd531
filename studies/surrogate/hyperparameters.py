"""The hyperparameters of a surrogate: what is believed of them before the trials, and how they are found."""

import numpy as np
from scipy.optimize import minimize

from studies.surrogate.domain import Array
from studies.surrogate.kernel import ABSENT, ORDERS
from studies.surrogate.likelihood import Hyperparameters, Likelihood

LENGTH_BOUNDS = (0.05, 4.0)
VARIANCE_BOUNDS = (1.2e-6, 160.0)
ORDER_BOUNDS = (1.2e-6, 1600.0)
NOISE_BOUNDS = (2.5e-7, 2.5)  # of the standardised score's variance
MOST_STEPS = 120  # of the optimiser, from the best start
FIRST_STEPS = 20  # of them with every axis, from each start
MOST_RETURNS = 2  # rounds in which axes that were left out may come back
STARTED_RETURNS = 1  # the same of a search that begins at given hyperparameters
LEFT_OUT = np.log(ABSENT) - 1.0  # the log of the variance of an axis that is left out, clear of rounding
STARTS = (0.6, 0.2)  # length scales of all axes
NEGLIGIBLE = 5e-4  # part of the prior variance from which on an axis is worth its time
# What is believed before the trials: (centre, width) of the log of a hyperparameter.
LENGTH_PRIOR = (np.log(0.8), 0.7)
ORDER_PRIOR = (np.log(0.1), 1.5)
NOISE_PRIOR = (np.log(0.1), 1.5)
VARIANCE_SCALE = 0.5  # an exponential prior: an axis without effect costs nothing


def first_guess(count: int, length: float) -> Array:
    """Give the logs of hyperparameters from which a search begins, all axes having one length scale."""
    guess: Array = np.log(np.r_[np.full(ORDERS - 1, 0.5), np.full(count, length), np.full(count, 0.3), 0.05])
    return guess


class Posterior:
    """The negative log posterior of hyperparameters: the likelihood with the priors.

    A value is a vector of logs, as `Hyperparameters` reads it.
    """

    def __init__(self, likelihood: Likelihood, count: int) -> None:
        self.likelihood, self.count = likelihood, count
        layout = Hyperparameters(first_guess(count, 1.0), count)
        self.variances = layout.variances
        self.centre, self.width = np.zeros_like(layout.logs), np.full_like(layout.logs, np.inf)
        self.bounds = np.empty((len(layout.logs), 2))
        for place, prior, bounds in (
            (slice(0, ORDERS - 1), ORDER_PRIOR, ORDER_BOUNDS),
            (layout.lengths, LENGTH_PRIOR, LENGTH_BOUNDS),
            (layout.variances, (0.0, np.inf), VARIANCE_BOUNDS),
            (slice(-1, None), NOISE_PRIOR, NOISE_BOUNDS),
        ):
            self.centre[place], self.width[place] = prior
            self.bounds[place] = np.log(bounds)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """Evaluate it, and its gradient."""
        value, gradient = self.likelihood(theta)
        away = (theta - self.centre) / self.width
        sizes = np.exp(theta[self.variances]) / VARIANCE_SCALE
        gradient = gradient + away / self.width
        gradient[self.variances] += sizes
        return value + float(away @ away) / 2 + float(sizes.sum()), gradient

    def climb(self, theta: Array, steps: int) -> Array:
        """Improve hyperparameters by some steps of L-BFGS-B; axes that are left out stay so."""
        out = theta[self.variances] <= LEFT_OUT
        frozen = np.zeros(len(theta), dtype=bool)
        frozen[self.variances] = out
        frozen[self.variances.start - self.count : self.variances.start] = out  # its length scale
        free = ~frozen
        inside = np.where(free, np.clip(theta, *self.bounds.T), theta)

        def along(part: Array) -> tuple[float, Array]:
            whole = inside.copy()
            whole[free] = part
            value, gradient = self(whole)
            return value, gradient[free]

        found = minimize(
            along,
            inside[free],
            jac=True,
            method="L-BFGS-B",
            bounds=self.bounds[free],
            options={"maxiter": steps},
        )
        inside[free] = found.x
        return inside

    def without_negligible(self, theta: Array) -> Array:
        """Leave out the axes that carry next to nothing of the prior's variance, interactions included."""
        sizes = np.exp(theta[self.variances])
        second, third = np.exp(theta[: ORDERS - 1])
        others = sizes.sum() - sizes
        pairs = (others**2 - ((sizes**2).sum() - sizes**2)) / 2
        carried = sizes * (1 + second * others + third * pairs)
        thinned = theta.copy()
        thinned[self.variances] = np.where(
            carried > NEGLIGIBLE * max(carried.sum(), 1.0), theta[self.variances], LEFT_OUT
        )
        return thinned

    def with_wanted(self, theta: Array) -> Array:
        """Give the axes that are left out a little variance where that makes the trials likelier."""
        out = theta[self.variances] <= LEFT_OUT
        tried = theta.copy()
        tried[self.variances] = np.where(out, np.log(NEGLIGIBLE), theta[self.variances])
        _, gradient = self(tried)
        kept = ~out | (gradient[self.variances] < 0)
        tried[self.variances] = np.where(kept, tried[self.variances], LEFT_OUT)
        return tried


def search(posterior: Posterior, start: Array | None, steps: int) -> Array:
    """Search the mode with the axes that matter: most of a wide space does not, and each one costs time.

    Args:
        posterior: of the hyperparameters.
        start: where to begin; by default smooth and rough functions race for some steps.
        steps: of the optimiser at most in each round.
    """
    if start is None:
        racing = [posterior.climb(first_guess(posterior.count, length), FIRST_STEPS) for length in STARTS]
        theta = min(racing, key=lambda found: posterior(found)[0])
    else:
        theta = posterior.climb(start, min(steps, FIRST_STEPS))
    theta = posterior.climb(posterior.without_negligible(theta), steps)
    for _ in range(MOST_RETURNS if start is None else STARTED_RETURNS):
        wider = posterior.with_wanted(theta)
        if np.array_equal(wider, theta):
            break
        theta = posterior.climb(wider, steps)
    return posterior.without_negligible(theta)
