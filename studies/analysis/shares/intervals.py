"""How sure the shares are: draws from the posterior, also of surrogates refitted to resampled trials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from studies.analysis.shares.posterior import Members, posterior_shares
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import Array
from studies.surrogate.gaussian_process import Surrogate, fit

DRAWS = 200  # from the posterior of the fit to all trials
REPLICATES = 6  # of the bootstrap
REPLICATE_DRAWS = 25  # from the posterior of each replicate
REPLICATE_STEPS = 12  # of the optimiser, from the hyperparameters of the fit to all trials
BIAS = 0.34  # of the fit to n trials, as a part of how far fits to the 0.632 n of a resample differ from it
COVERAGE = 0.9


@dataclass(frozen=True)
class Estimate:
    """A share of the variance and its 90 % interval."""

    share: float
    low: float
    high: float


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
        members: estimated(
            share,
            [each.draws[members] for each in all_shares],
            [each.excess[members] for each in all_shares],
            [each.share[members] for each in all_shares[1:]],
        )
        for members, share in whole.share.items()
    }
    totals = tuple(
        estimated(
            total.share,
            [each.totals[d].draws for each in all_shares],
            [each.totals[d].excess for each in all_shares],
            [each.totals[d].share for each in all_shares[1:]],
        )
        for d, total in enumerate(whole.totals)
    )
    return Estimates(shares, totals, whole.unknown)


def estimated(share: float, draws: list[Array], excess: list[float], refitted: list[float]) -> Estimate:
    """Give a share its 90 % interval as `estimate` says.

    Args:
        share: of the mean function.
        draws: from the posterior of the fit to all trials, then from that of each replicate.
        excess: what uncertainty alone adds to a draw on average, for each of these.
        refitted: the share of the mean function of each replicate.
    """
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(np.concatenate(draws), [tail, 1 - tail]).tolist()
    bias = BIAS * (float(np.mean(refitted)) - share)
    low, high = low - float(np.mean(excess)) - max(bias, 0.0), high + max(-bias, 0.0)
    # The estimate is the mean function's; a skewed posterior can leave it just outside.
    return Estimate(min(share, 1.0), min(max(low, 0.0), share), min(max(high, share), 1.0))
