"""Draws of every share from the posterior of a surrogate."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from studies.surrogate.anova import (
    Structures,
    axis_features,
    components_of,
    covariance_with,
    features_of,
    prior_covariance,
    products_of,
    structural_prior,
    structural_terms,
)
from studies.surrogate.domain import Array
from studies.surrogate.gaussian_process import Surrogate, points_of
from studies.surrogate.integration import quasi_random
from studies.surrogate.kernel import ABSENT
from studies.surrogate.totals import Totals, total_effects

POINTS = 512  # at which a draw's variance is measured
DIRECTIONS = 10  # in which the uncertainty about interactions of three parameters lies
NEGLIGIBLE = 1e-6  # share
SLIGHT = 5e-5  # of the variance: an effect that has no more of it before any trial is not drawn but bounded
JITTER = 1e-9
TOGETHER = 24  # effects that are computed at a time

Members = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PosteriorShares:
    """Draws of each effect's share, `(draws,)`, and what uncertainty alone adds to a draw on average."""

    draws: Mapping[Members, Array]
    excess: Mapping[Members, float]
    share: Mapping[Members, float]
    totals: tuple["TotalShares", ...]
    unknown: float


@dataclass(frozen=True, eq=False)
class TotalShares:
    """The same of the total share of one axis."""

    draws: Array
    excess: float
    share: float


@dataclass(frozen=True, eq=False)
class _DrawnFunctions:
    """Functions drawn at points: `root @ noise` beyond the mean, and the variance of each, `(draws,)`.

    `cross` is the whitened covariance of trials and points, `of_mean` the variance of the mean function, and
    `unknown` the mean variance at a point.
    """

    cross: Array
    root: Array
    noise: Array
    variances: Array
    of_mean: float
    unknown: float


def _drawn_functions(
    surrogate: Surrogate, grid: Array, random: np.random.Generator, draws: int
) -> _DrawnFunctions:
    cross = solve_triangular(surrogate.cholesky, surrogate.kernel.between(surrogate.points, grid), lower=True)
    spread = surrogate.kernel.between(grid, grid) - cross.T @ cross
    ridge = JITTER * np.trace(spread) / POINTS + 1e-12
    root = cholesky(spread + ridge * np.eye(POINTS), lower=True)
    noise = random.standard_normal((POINTS, draws))
    mean = surrogate.mean(grid)
    variances = np.var(mean[:, None] + root @ noise, axis=0)
    unknown = float(np.mean(np.diag(spread)))
    return _DrawnFunctions(cross, root, noise, variances, float(np.var(mean)), unknown)


def posterior_shares(surrogate: Surrogate, structures: Structures, draws: int, seed: int) -> PosteriorShares:
    """Draw the shares of every parameter and pair from the posterior.

    A function is drawn at quasi-random points, which gives its variance; the coefficients of each effect are
    drawn given the function at those points, so that an effect and the whole belong together.
    """
    random = np.random.default_rng(seed)
    coordinates = quasi_random(surrogate.domain, POINTS, seed)
    grid = points_of(coordinates, surrogate.domain.active(coordinates))
    kernel, factor = surrogate.kernel, surrogate.cholesky
    features = features_of(kernel, structures)
    at_trials = structural_terms(features, surrogate.points), axis_features(features, surrogate.points)
    at_grid = structural_terms(features, grid), axis_features(features, grid)
    among = structural_prior(features)

    given = _drawn_functions(surrogate, grid, random, draws)
    # The mean function's variance is known exactly: what it corrects is common to all draws.
    whole = total_effects(surrogate, seed)
    total = whole.variance
    correction = total / given.of_mean if total > 0 else 1.0
    variances, unknown = given.variances * correction, given.unknown

    shares: dict[Members, Array] = {}
    excess: dict[Members, float] = {}
    point: dict[Members, float] = {}
    varying = []
    for component in components_of(surrogate.domain, structures):
        # Where the surrogate does without an axis, the effect is nothing in each of its functions.
        shares[component.members] = np.zeros(draws)
        excess[component.members] = point[component.members] = 0.0
        if any(kernel.variances[d] <= ABSENT for d in component.axes):
            continue
        products = products_of(component, features)
        prior = prior_covariance(component, features, products, among)
        at_most = float(np.trace(prior))
        if total <= 0 or at_most > SLIGHT * total:
            varying.append((component, products, prior))
            continue
        # Trials take variance from the prior and add none: its trace bounds what a draw has beyond the mean.
        alone = covariance_with(component, features, products, *at_trials) @ surrogate.weights
        point[component.members] = float(alone @ alone) / total
        excess[component.members] = at_most / (total + unknown)
        shares[component.members] = (float(alone @ alone) + at_most) / variances
    # Many effects at a time: a few large products of matrices in place of many small ones.
    for first in range(0, len(varying), TOGETHER):
        some = varying[first : first + TOGETHER]
        with_trials = [
            covariance_with(component, features, products, *at_trials) for component, products, _ in some
        ]
        ends = np.cumsum([0, *map(len, with_trials)])
        stacked = np.vstack(with_trials)
        whitened = solve_triangular(factor, stacked.T, lower=True)
        middle = stacked @ surrogate.weights
        along = np.vstack(
            [covariance_with(component, features, products, *at_grid) for component, products, _ in some]
        )
        known = solve_triangular(given.root, (along - whitened.T @ given.cross).T, lower=True)
        drawn = middle[:, None] + known.T @ given.noise
        for (component, _, prior), start, end in zip(some, ends, ends[1:], strict=False):
            rows = slice(start, end)
            covariance = prior - whitened[:, rows].T @ whitened[:, rows]
            rest = covariance - known[:, rows].T @ known[:, rows]
            drawn[rows] += _drawn(rest, draws, random)
            shares[component.members] = np.sum(drawn[rows] ** 2, axis=0) / variances
            excess[component.members] = max(float(np.trace(covariance)), 0.0) / (total + unknown)
            alone = middle[rows]
            point[component.members] = float(alone @ alone) / total if total > 0 else 0.0
    singles = PosteriorShares(shares, excess, point, (), unknown / (total + unknown))
    return replace(singles, totals=_totals(whole, singles, variances, total + unknown, random))


def _totals(
    whole: Totals, singles: PosteriorShares, variances: Array, scale: float, random: np.random.Generator
) -> tuple[TotalShares, ...]:
    """Draw total shares: what is drawn of an axis alone and of its pairs, and interactions of three.

    Of the latter the mean and the mean excess are known; a squared length with as much of both is drawn
    from the gamma distribution of that mean and of the variance that it has if the uncertainty lies in
    `DIRECTIONS`.
    """
    found = []
    for d, (value, uncertainty) in enumerate(zip(whole.total, whole.excess, strict=True)):
        mine = [members for members in singles.draws if d in members]
        drawn = np.sum([singles.draws[members] for members in mine], axis=0)
        share = float(value) / whole.variance if whole.variance > 0 else 0.0
        added = float(uncertainty) / scale if scale > 0 else 0.0
        rest = max(share - sum(singles.share[members] for members in mine), 0.0)
        more = max(added - sum(singles.excess[members] for members in mine), 0.0)
        if rest + more > NEGLIGIBLE:
            spread = (4 * rest * more + 2 * more**2) / DIRECTIONS
            shape = (rest + more) ** 2 / max(spread, NEGLIGIBLE**2)
            third = random.gamma(shape, (rest + more) / shape, len(drawn)) * whole.variance / variances
            drawn = drawn + third
        found.append(TotalShares(drawn, added, share))
    return tuple(found)


def _drawn(covariance: Array, draws: int, random: np.random.Generator) -> Array:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = random.standard_normal((len(values), draws))
    drawn: Array = vectors @ (np.sqrt(np.maximum(values, 0.0))[:, None] * normal)
    return drawn
