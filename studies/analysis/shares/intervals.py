"""How sure the shares are: draws from the posterior, also of surrogates refitted to resampled trials."""

from collections.abc import Callable, Mapping
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
    structures_of,
)
from studies.surrogate.domain import Array
from studies.surrogate.gaussian_process import Surrogate, fit, points_of
from studies.surrogate.integration import quasi_random
from studies.surrogate.kernel import ABSENT
from studies.surrogate.totals import Totals, total_effects

DRAWS = 200  # from the posterior of the fit to all trials
REPLICATES = 6  # of the bootstrap
REPLICATE_DRAWS = 25  # from the posterior of each replicate
REPLICATE_STEPS = 12  # of the optimiser, from the hyperparameters of the fit to all trials
POINTS = 512  # at which a draw's variance is measured
DIRECTIONS = 10  # in which the uncertainty about interactions of three parameters lies
NEGLIGIBLE = 1e-6  # share
SLIGHT = 5e-5  # of the variance: an effect that has no more of it before any trial is not drawn but bounded
BIAS = 0.34  # of the fit to n trials, as a part of how far fits to the 0.632 n of a resample differ from it
COVERAGE = 0.9
JITTER = 1e-9
TOGETHER = 24  # effects that are computed at a time

Members = tuple[int, ...]


@dataclass(frozen=True)
class Estimate:
    """A share of the variance and its 90 % interval."""

    share: float
    low: float
    high: float


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


def posterior_shares(surrogate: Surrogate, structures: Structures, draws: int, seed: int) -> PosteriorShares:
    """Draw the shares of every parameter and pair from the posterior.

    A function is drawn at quasi-random points, which gives its variance; the coefficients of each effect are
    drawn given the function at those points, so that an effect and the whole belong together.
    """
    random = np.random.default_rng(seed)
    domain = surrogate.domain
    coordinates = quasi_random(domain, POINTS, seed)
    grid = points_of(coordinates, domain.active(coordinates))
    kernel, factor = surrogate.kernel, surrogate.cholesky
    features = features_of(kernel, structures)
    at_trials = structural_terms(features, surrogate.points), axis_features(features, surrogate.points)
    at_grid = structural_terms(features, grid), axis_features(features, grid)
    among = structural_prior(features)

    cross = solve_triangular(factor, kernel.between(surrogate.points, grid), lower=True)
    spread = kernel.between(grid, grid) - cross.T @ cross
    root = cholesky(
        spread + JITTER * np.trace(spread) * np.eye(POINTS) / POINTS + 1e-12 * np.eye(POINTS), lower=True
    )
    noise = random.standard_normal((POINTS, draws))
    mean = surrogate.mean(grid)
    # The mean function's variance is known exactly: what it corrects is common to all draws.
    whole = total_effects(surrogate, seed)
    total = whole.variance
    correction = total / float(np.var(mean)) if total > 0 else 1.0
    variances = np.var(mean[:, None] + root @ noise, axis=0) * correction
    unknown = float(np.mean(np.diag(spread)))

    shares: dict[Members, Array] = {}
    excess: dict[Members, float] = {}
    point: dict[Members, float] = {}
    varying = []
    for component in components_of(domain, structures):
        # Where the surrogate does without an axis, the effect is nothing in each of its functions.
        shares[component.members] = np.zeros(draws)
        excess[component.members] = point[component.members] = 0.0
        if any(kernel.variances[d] <= ABSENT for d in component.axes):
            continue
        products = products_of(component, features)
        prior = prior_covariance(component, features, products, among)
        at_most = float(np.trace(prior))
        if at_most > SLIGHT * total:
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
        known = solve_triangular(root, (along - whitened.T @ cross).T, lower=True)
        drawn = middle[:, None] + known.T @ noise
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


@dataclass(frozen=True, eq=False)
class Estimates:
    """The share of every parameter and pair with its interval.

    `unknown` is the part of the function's variance that the trials leave open, under the declared measure:
    near zero where the whole space was looked at, large where the trials crowd together.
    """

    shares: Mapping[Members, Estimate]
    totals: tuple[Estimate, ...]
    unknown: float


def estimate(
    surrogate: Surrogate,
    points: Array,
    loss: Array,
    variance: Array,
    *,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Estimates:
    """Estimate the shares with 90 % intervals.

    The interval spans the draws of the posterior and those of bootstrap replicates together: the posterior
    knows what the trials do not tell, the replicates know how far the fit depends on these trials. An effect
    drawn at random has a positive share even where there is none, so that excess is taken off the lower end.
    Fits to the fewer distinct trials of a resample may fall short of a share, or go beyond it, and the fit to
    all trials then does so too, if less. With an error that falls as n^-3, as Ishigami's does from 120 to 240
    trials, it has 1 / (0.632^-3 - 1) of the difference, by which the interval is widened on that side.

    Args:
        surrogate: fitted to all the trials.
        points: the trials that it was fitted to, `(n, 2 * axes)`.
        loss: the loss it was fitted to, `(n,)`.
        variance: as `fit` takes it.
        seed: of the draws and of the resampling.
        progress: is told the fraction done.
    """
    structures = structures_of(surrogate.domain, seed)
    seeds = np.random.SeedSequence(seed).spawn(REPLICATES + 1)
    whole = posterior_shares(surrogate, structures, DRAWS, int(seeds[0].generate_state(1)[0]))
    all_shares = [whole]
    for done, child in enumerate(seeds[1:], start=1):
        progress(done / (REPLICATES + 1))
        random = np.random.default_rng(child)
        rows = np.sort(random.integers(0, len(loss), len(loss)))
        refitted = fit(
            surrogate.domain,
            points[rows],
            loss[rows],
            variance[rows],
            start=surrogate.theta,
            steps=REPLICATE_STEPS,
        )
        all_shares.append(
            posterior_shares(refitted, structures, REPLICATE_DRAWS, int(child.generate_state(1)[0]))
        )
    progress(1.0)
    shares = {
        members: _estimated(
            share,
            [each.draws[members] for each in all_shares],
            [each.excess[members] for each in all_shares],
            [each.share[members] for each in all_shares[1:]],
        )
        for members, share in whole.share.items()
    }
    totals = tuple(
        _estimated(
            total.share,
            [each.totals[d].draws for each in all_shares],
            [each.totals[d].excess for each in all_shares],
            [each.totals[d].share for each in all_shares[1:]],
        )
        for d, total in enumerate(whole.totals)
    )
    return Estimates(shares, totals, whole.unknown)


def _estimated(share: float, draws: list[Array], excess: list[float], refitted: list[float]) -> Estimate:
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(np.concatenate(draws), [tail, 1 - tail]).tolist()
    bias = BIAS * (float(np.mean(refitted)) - share)
    low, high = low - float(np.mean(excess)) - max(bias, 0.0), high + max(-bias, 0.0)
    # The estimate is the mean function's; a skewed posterior can leave it just outside.
    return Estimate(min(share, 1.0), min(max(low, 0.0), share), min(max(high, share), 1.0))


def _drawn(covariance: Array, draws: int, random: np.random.Generator) -> Array:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = random.standard_normal((len(values), draws))
    drawn: Array = vectors @ (np.sqrt(np.maximum(values, 0.0))[:, None] * normal)
    return drawn
