"""What matters among the good configurations, which is where decisions fall.

A share over the whole space says little of the good region: where a learning rate decides whether training
works at all, nearly all variance is its own, and yet dropout may decide which of the working
configurations is best. So the scores are looked at a second time with all that is worse than the better
ones taken for equally bad.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from studies.analysis.observations.outliers import left_out_errors
from studies.analysis.observations.table import Table
from studies.analysis.shares.evidence import FEWEST_ON_A_BRANCH
from studies.analysis.shares.importance import Fitted, Importance, fit_table
from studies.analysis.shares.posterior import posterior_shares
from studies.surrogate.anova import structures_of
from studies.surrogate.gaussian_process import MOST_FITTED, spread_over
from studies.surrogate.hyperparameters import LEFT_OUT, LENGTH_PRIOR
from studies.surrogate.likelihood import Hyperparameters, Likelihood

BETTER = (0.4, 0.2)  # parts of the trials that count as the better ones, each looked at on its own
MOST_AMONG = 2e-4  # total share among the better ones that an idle parameter may have
LITTLE = 0.02  # total share up to which a parameter hardly matters, over the whole space
HIGHEST = 0.05  # end of its interval
SHOWN = 0.1  # total share that the trials would have shown, over the whole space
SHOWN_AMONG = 0.05  # the same among the better ones
DRAWS = 100
UPPER = 0.95
SUSPICIOUS = 0.15  # the chance of a trend by luck up to which a parameter is not called idle
UNLIKELY = 1.35  # log likelihood lost: a one-sided 95 % limit (Wilks 1938)


@dataclass(frozen=True, eq=False)
class Better:
    """The analysis among the better configurations.

    `fitted` is the surrogate of the scores with all that is worse than `level` taken for as bad as
    `level`, in the unit of the loss. `totals` holds for each parameter the upper end of its total share
    there.
    """

    fitted: Fitted
    level: float
    totals: dict[str, float]


def look_near_best(table: Table, fitted: Fitted, *, seed: int = 0) -> tuple[Better, ...]:
    """Look at the better trials of a table, once for each of `BETTER`.

    Args:
        table: the trials, on the scale of the analysis.
        fitted: what `fit_table` made of them; its outliers are left out here too.
        seed: of the draws.
    """
    if fitted.outliers:
        table = table.rows(sorted(fitted.rows))
    return tuple(_among(table, part, seed) for part in BETTER)


def _among(table: Table, part: float, seed: int) -> Better:
    level = float(np.quantile(table.loss, part))
    fitted = fit_table(replace(table, loss=np.minimum(table.loss, level)))
    names = fitted.surrogate.domain.names
    totals = posterior_shares(
        fitted.surrogate, structures_of(fitted.surrogate.domain, seed), DRAWS, seed
    ).totals
    upper = {name: float(np.quantile(total.draws, UPPER)) for name, total in zip(names, totals, strict=True)}
    return Better(fitted, level, upper)


def idle_parameters(
    table: Table, importance: Importance, fitted: Fitted, near: tuple[Better, ...]
) -> tuple[str, ...]:
    """Name the parameters that matter neither over the whole space nor among the better configurations.

    Each of these must hold, of the part of the space where the parameter exists: its total share is at most
    `LITTLE`, and among the better trials, of which ten must have the parameter, it is next to nothing; and
    the trials would have shown more of both.
    """
    if importance.evidence.confidence != "good":
        return ()
    structures = structures_of(table.domain, 0)
    chances = dict(zip(table.domain.names, structures.weights @ structures.active, strict=True))
    good = table.loss <= near[0].level
    found = []
    for effect in importance.main:
        name, total = effect.names[0], effect.total
        column = table.domain.names.index(name)
        if total is None or len(table.domain.axes[column].nodes) == 1:
            continue
        if int(np.sum(good & table.active[:, column])) < FEWEST_ON_A_BRANCH:
            continue
        chance = max(float(chances[name]), 1e-9)
        if (
            total.share <= LITTLE * chance
            and total.high <= HIGHEST * chance
            and all(better.totals[name] <= MOST_AMONG * chance for better in near)
            and _trend_of_errors(fitted, name, near[-1].level) > SUSPICIOUS
            and would_show(fitted, name, SHOWN)
            and all(would_show(better.fitted, name, SHOWN_AMONG) for better in near)
        ):
            found.append(name)
    order = {name: place for place, name in enumerate(table.domain.names)}
    return tuple(sorted(found, key=order.__getitem__))


def _trend_of_errors(fitted: Fitted, name: str, level: float) -> float:
    """Give the chance that what the surrogate misses among the best trials follows a parameter by luck alone.

    Asked of the parameter itself and of its distance from the middle: a slope, or a bowl.
    """
    axis = fitted.surrogate.domain.names.index(name)
    count = len(fitted.surrogate.domain.axes)
    rows = (fitted.loss <= level) & (fitted.points[:, count + axis] > 0)
    places = fitted.points[rows, axis]
    missed = left_out_errors(fitted.surrogate, fitted.points, fitted.loss)[rows]
    if len(np.unique(places)) < 2 or np.ptp(missed) == 0:  # noqa: PLR2004 - a trend needs two places
        return 1.0
    chances = [float(spearmanr(places, missed).pvalue)]
    distances = np.abs(places - np.median(places))
    if len(np.unique(distances)) > 1:
        chances.append(float(spearmanr(distances, missed).pvalue))
    return min(min(chances) * len(chances), 1.0)


def would_show(fitted: Fitted, name: str, share: float) -> bool:
    """Say whether the trials would be clearly less likely if a parameter explained a share of the variance.

    A parameter that the surrogate does without has a share of nothing there, and no interval. So its
    variance is raised to that share, with its interactions.
    """
    surrogate = fitted.surrogate
    domain, axis = surrogate.domain, surrogate.domain.names.index(name)
    count = len(domain.axes)
    places = Hyperparameters(surrogate.theta, count)
    some = spread_over(len(fitted.loss), MOST_FITTED)
    standardised = (fitted.loss - surrogate.centre) / surrogate.scale
    extra = fitted.variance / surrogate.scale**2
    likelihood = Likelihood(domain, fitted.points[some], standardised[some], extra[some])
    variance, length = places.variances.start + axis, places.lengths.start + axis
    others = np.exp(surrogate.theta[places.variances])
    others[axis] = 0.0
    second = float(np.exp(surrogate.theta[0]))
    whole = float(others.sum() + second * (others.sum() ** 2 - np.sum(others**2)) / 2)
    carried = np.log(max(share / (1 - share) * whole / (1 + second * float(others.sum())), 1e-300))
    tried = surrogate.theta.copy()
    if carried <= tried[variance]:
        return False
    if tried[variance] <= LEFT_OUT:
        tried[length] = LENGTH_PRIOR[0]
    tried[variance] = carried
    return bool(likelihood(tried)[0] - likelihood(surrogate.theta)[0] > UNLIKELY)
