"""Trials whose score lies far from all others and that nothing else explains.

A few scores 30 deviations off, as a broken machine or a race in the user's code makes them, hide the
structure of all others: they are most of the variance. But a rare good region looks alike at first. So a
score is an outlier only if the other trials do not predict it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from studies.surrogate.domain import Array, Domain, Mask
from studies.surrogate.gaussian_process import Surrogate, fit

FENCE = 4.0  # interquartile ranges beyond a quartile; Tukey calls 3 far out
MOST_OUTLIERS = 0.1  # of the trials: what is more common is no exception
LEAST_PREDICTED = 0.4  # of the squared distance of suspects from the median, by which they may be no outliers
# The factor by which suspects that are no outliers may worsen what is predicted of other trials.
MOST_HARM = 2.0


@dataclass(frozen=True, eq=False)
class Robust:
    """A surrogate of the trials without outliers; `kept` `(n,)` says which trials it was fitted to."""

    surrogate: Surrogate
    kept: Mask


def fit_without_outliers(
    domain: Domain, points: Array, loss: Array, variance: Array, *, exempt: Mask
) -> Robust:
    """Fit a surrogate, leaving out scores that lie far off and that the other trials do not predict.

    Args:
        domain: the axes.
        points: `(n, 2 * axes)`.
        loss: `(n,)`.
        variance: as `fit` takes it.
        exempt: trials that are never left out, such as diverged ones, whose score is a convention.
    """
    fitted = fit(domain, points, loss, variance)
    kept = np.ones(len(loss), dtype=bool)
    suspects = far_off(loss) & ~exempt
    if not suspects.any() or suspects.mean() > MOST_OUTLIERS:
        return Robust(fitted, kept)
    kept = ~suspects
    without = fit(domain, points[kept], loss[kept], variance[kept])
    missed = left_out_errors(fitted, points, loss)
    distance = loss - np.median(loss)
    predicted = 1 - np.sum(missed[suspects] ** 2) / np.sum(distance[suspects] ** 2)
    harm = np.sum(missed[kept] ** 2) / max(
        float(np.sum(left_out_errors(without, points[kept], loss[kept]) ** 2)), 1e-300
    )
    if predicted >= LEAST_PREDICTED and harm <= MOST_HARM:
        return Robust(fitted, np.ones(len(loss), dtype=bool))
    return Robust(without, kept)


def left_out_errors(surrogate: Surrogate, points: Array, loss: Array) -> Array:
    """Give by how much each trial misses what the others predict (Rasmussen and Williams 2006, eq. 5.12).

    Of many trials a surrogate of fewer points cannot follow a single one, so the fit itself is the
    prediction.
    """
    if len(surrogate.weights) < len(loss):
        return loss - (surrogate.centre + surrogate.scale * surrogate.mean(points))
    inverse = cho_solve((surrogate.cholesky, True), np.eye(len(surrogate.weights)))
    missed: Array = surrogate.scale * surrogate.weights / np.diag(inverse)
    return missed


def far_off(loss: Array) -> Mask:
    """Say which scores lie beyond the fence on either side, `(n,)`."""
    first, third = np.quantile(loss, [0.25, 0.75])
    reach = FENCE * (third - first)
    far: Mask = (
        (loss < first - reach) | (loss > third + reach) if reach > 0 else np.zeros(len(loss), dtype=bool)
    )
    return far
