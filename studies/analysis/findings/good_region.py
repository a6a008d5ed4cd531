"""What explains the score among the good configurations: shares within the best tenth of the space.

`near_best` asks whether a parameter can be left alone, with one answer for all. This asks how much each
explains where decisions fall. The region is where the score is in its best tenth under the declared measure.
It is no box, so parameters depend on each other there, and shares are those of Kucherenko, Tarantola and
Annoni 2012: of a parameter alone Var(E[f | x]) / Var f, and with all its interactions E[Var(f | the others)]
/ Var f, each within the region. They do not add up: along a valley the place of one parameter tells that of
the other.

Each function drawn from the posterior has a region of its own, so an interval knows how unsure the region is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from studies.analysis.findings.functions import doubt_near_best, functions_of, resampled_fits
from studies.analysis.findings.near_best import Better
from studies.analysis.observations.outliers import left_out_errors
from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.intervals import Estimate, estimated
from studies.surrogate.domain import Array, Axis, Mask
from studies.surrogate.drawn import DrawnFunctions, Lines, knots_of
from studies.surrogate.gaussian_process import Surrogate
from studies.surrogate.integration import quasi_random

GOOD = 0.1  # part of the space that counts as good
CLEAR = 1.5  # deviations of the noise by which good configurations differ where shares are told
POINTS = 2**13  # by which the region is found
DRAWS = 60
REPLICATES = 3  # fits to resampled trials
REPLICATE_DRAWS = 24  # from the posterior of each, and of the better trials
GROUPS = 16  # of the good places in the order of a parameter
BASES = 256  # good places through which lines are read
FINER = 4  # times as many places on a line as are read
AT_A_TIME = 96  # lines


@dataclass(frozen=True, eq=False)
class GoodRegion:
    """Shares within the region of good configurations.

    `main` and `total` hold each parameter's shares with their 90 % intervals. `spread` is the deviation of
    the expected score within the region, and `noise` by how much the best trials miss what
    the others predict, both in the unit of the loss.
    """

    main: Mapping[str, Estimate]
    total: Mapping[str, Estimate]
    spread: float
    noise: float

    @property
    def is_clear(self) -> bool:
        """Whether the good configurations differ by more than noise, so that shares mean something."""
        return self.spread >= CLEAR * self.noise


def good_region(fitted: Fitted, near: Sequence[Better] = (), *, seed: int = 0) -> GoodRegion:
    """Measure what each parameter explains within the best tenth of the space.

    As for the shares of the whole space, the intervals span draws from the posterior and from those of fits
    to resampled trials; each fit is looked at in other places. The fit to the better trials counts as well:
    what matters there only may be next to nothing beside all else. Of the two the one gives the shares that
    predicts the best trials better from all others.

    Args:
        fitted: what `fit_table` made of the trials.
        near: what `look_near_best` made of the better ones.
        seed: of the places, draws and resampling.
    """
    with threadpool_limits(limits=1):
        first, *others = sorted([fitted, *(better.fitted for better in near[:1])], key=_error(fitted, near))
        whole = _measured(first.surrogate, DRAWS, seed)
        resampled = [
            _measured(surrogate, REPLICATE_DRAWS, seed + number)
            for number, surrogate in enumerate(resampled_fits(first, REPLICATES, seed), start=1)
        ]
        among = [_measured(other.surrogate, REPLICATE_DRAWS, seed) for other in others]
    wider = doubt_near_best(first)
    main = {name: _estimated(name, whole.main, resampled, among, "main") for name in whole.main}
    total = {name: _estimated(name, whole.total, resampled, among, "total") for name in whole.total}
    return GoodRegion(
        {name: _widened(share, wider) for name, share in main.items()},
        {name: _widened(share, wider) for name, share in total.items()},
        whole.spread * first.surrogate.scale,
        float(np.sqrt(_error(fitted, near)(first))),
    )


def _error(fitted: Fitted, near: Sequence[Better]) -> Callable[[Fitted], float]:
    """Give the squared error of a fit on the best trials, each predicted from all others."""
    level = near[-1].level if near else float(np.median(fitted.loss))

    def measure(fit: Fitted) -> float:
        best = fit.loss <= level
        missed = left_out_errors(fit.surrogate, fit.points, fit.loss)[best]
        return float(np.mean(missed**2)) if best.any() else np.inf

    return measure


def _estimated(
    name: str,
    shares: Mapping[str, Array],
    resampled: Sequence["_Measured"],
    among: Sequence["_Measured"],
    kind: Literal["main", "total"],
) -> Estimate:
    """Give the share of the posterior mean with its interval; the mean comes first of the functions."""
    refitted = [getattr(each, kind)[name] for each in resampled]
    every = [shares[name], *refitted, *(getattr(each, kind)[name] for each in among)]
    excess = [max(float(each[1:].mean() - each[0]), 0.0) for each in every]
    return estimated(
        float(shares[name][0]), [each[1:] for each in every], excess, [float(each[0]) for each in refitted]
    )


def _widened(share: Estimate, times: float) -> Estimate:
    low, high = (
        share.share - times * (share.share - share.low),
        share.share + times * (share.high - share.share),
    )
    return Estimate(share.share, max(low, 0.0), min(high, 1.0))


@dataclass(frozen=True, eq=False)
class _Measured:
    """The shares of each parameter, `(functions,)`, of functions drawn from one posterior.

    `spread` is the deviation of the posterior mean within its best tenth, standardised.
    """

    main: Mapping[str, Array]
    total: Mapping[str, Array]
    spread: float


def _measured(surrogate: Surrogate, draws: int, seed: int) -> _Measured:
    places = quasi_random(surrogate.domain, POINTS, seed)
    drawn = functions_of(surrogate, places, draws, seed)
    values = drawn.at(places)
    levels = np.quantile(values, GOOD, axis=0)
    good, names = values <= levels, surrogate.domain.names
    main = _alone(drawn.domain.axes, places, drawn.domain.active(places), values, good)
    total = _with_all(drawn, places, good, values, levels, seed=seed)
    spread = float(np.std(values[good[:, 0], 0]))
    return _Measured(dict(zip(names, main, strict=True)), dict(zip(names, total, strict=True)), spread)


def _alone(axes: tuple[Axis, ...], places: Array, active: Mask, values: Array, good: Mask) -> Array:
    """Give what each axis explains alone, `(axes, functions)`: variance between groups of alike places.

    What luck adds to the variance between groups is taken off (Olejnik and Algina 2003, equation 3).
    """
    found = np.zeros((len(axes), values.shape[1]))
    for column in range(values.shape[1]):
        inside = good[:, column]
        score = values[inside, column]
        whole = float(np.sum((score - score.mean()) ** 2))
        if whole <= 0:
            continue
        for d, axis in enumerate(axes):
            here, at = active[inside, d], places[inside, d]
            if axis.is_discrete:
                groups = np.searchsorted(axis.nodes, at - 1e-9)
            else:
                groups = np.argsort(np.argsort(at, kind="stable"), kind="stable") * GROUPS // len(at)
            groups = np.where(here, groups, -1) + 1
            sizes = np.bincount(groups)
            means = np.bincount(groups, score) / np.maximum(sizes, 1)
            between = float(np.sum(sizes * (means - score.mean()) ** 2))
            used = int(np.sum(sizes > 0))
            within = (whole - between) / max(len(score) - used, 1)
            found[d, column] = (between - (used - 1) * within) / whole
    return np.clip(found, 0.0, 1.0)


def _with_all(
    drawn: DrawnFunctions, places: Array, good: Mask, values: Array, levels: Array, *, seed: int
) -> Array:
    """Give what each axis explains where all others are known, `(axes, functions)`."""
    domain = drawn.domain
    variances = np.array([np.var(values[good[:, s], s]) for s in range(values.shape[1])])
    random = np.random.default_rng(seed)
    likely = np.flatnonzero(good.any(axis=1))
    bases = random.permutation(likely)[:BASES]
    sums, counts = np.zeros((len(domain.axes), len(levels))), np.zeros(len(levels))
    for first in range(0, len(bases), AT_A_TIME):
        rows = bases[first : first + AT_A_TIME]
        lines, inside = Lines(drawn, places[rows]), good[rows]
        counts += inside.sum(axis=0)
        for d, axis in enumerate(domain.axes):
            if lines.matters(d) and len(axis.nodes) > 1:
                sums[d] += np.sum(_variance_along(axis, lines.along(d), levels) * inside, axis=0)
    shares = sums / np.maximum(counts, 1) / np.where(variances > 0, variances, np.inf)
    return np.clip(shares, 0.0, 1.0)


def _variance_along(axis: Axis, along: Array, levels: Array) -> Array:
    """Give the variance of what is good on each line, `(lines, functions)`; `along` is at the knots."""
    weights = axis.weights
    if not axis.is_discrete:
        knots = knots_of(axis)
        fine = np.linspace(0, 1, FINER * (len(knots) - 1) + 1)
        hats = np.maximum(1 - np.abs(fine[:, None] - knots[None, :]) * (len(knots) - 1), 0)
        along = np.einsum("fk,mks->mfs", hats, along, optimize=True)
        weights = np.full(len(fine), 1 / len(fine))
    chosen = (along <= levels) * weights[None, :, None]
    mass = np.maximum(chosen.sum(axis=1), 1e-12)
    means = np.sum(chosen * along, axis=1) / mass
    spread = np.sum(chosen * (along - means[:, None, :]) ** 2, axis=1) / mass
    return np.asarray(spread)
