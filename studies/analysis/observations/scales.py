"""The same trials on another scale of the objective: shares depend on it."""

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from studies.analysis.observations.table import Table
from studies.analysis.shares.importance import fit_table
from studies.analysis.shares.posterior import posterior_shares
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import Array
from studies.surrogate.totals import total_effects

Scale = Literal["value", "log", "rank"]


SPREAD = 10.0  # from which on the log is what a reader compares by: of a bad score over a good one
BULK = (0.025, 0.975)  # what counts as good and bad: the best and the worst one are too much a matter of luck


def main_scale(table: Table) -> Scale:
    """Choose the scale of the analysis: the log where scores above zero differ by a factor of ten or more.

    On the value itself a few trials that went far wrong would be nearly all of the variance, and what tells
    good configurations apart nothing.
    """
    values = table.loss if table.minimize else -table.loss
    low, high = np.quantile(values, BULK)
    return "log" if values.min() > 0 and high >= SPREAD * low else "value"


def score_of(loss: Array, scale: Scale, *, minimize: bool) -> Array:
    """Turn losses on the value's or the log's scale back into scores."""
    signed = loss if minimize else -loss
    return np.exp(signed) if scale == "log" else signed


def scales_of(table: Table) -> tuple[Scale, ...]:
    """List the scales that a table's scores allow; a log needs scores above zero."""
    values = table.loss if table.minimize else -table.loss
    return ("value", "log", "rank") if np.all(values > 0) else ("value", "rank")


def rescaled(table: Table, scale: Scale) -> Table:
    """Put the scores on another scale; `variance` follows to first order."""
    if scale == "value":
        return table
    sign = 1.0 if table.minimize else -1.0
    if scale == "log":
        values = sign * table.loss
        return replace(table, loss=sign * np.log(values), variance=table.variance / values**2)
    ranks = rankdata(table.loss) / table.trials
    slope = float(np.std(ranks) / (np.std(table.loss) or 1.0))
    return replace(table, loss=ranks, variance=table.variance * slope**2)


def shares_on(table: Table, scale: Scale) -> dict[tuple[str, ...], float]:
    """Measure the share of each parameter and pair on a scale, in the space's order and without intervals."""
    fitted = fit_table(rescaled(table, scale))
    domain = fitted.surrogate.domain
    shares = posterior_shares(fitted.surrogate, structures_of(domain, 0), 2, 0).share
    by_columns = {tuple(sorted(fitted.order[d] for d in members)): share for members, share in shares.items()}
    names = table.domain.names
    ordered = sorted(by_columns, key=lambda columns: (len(columns), columns))
    return {tuple(names[column] for column in columns): by_columns[columns] for columns in ordered}


def totals_on(table: Table, scale: Scale) -> dict[str, float]:
    """Measure the total share of each parameter on a scale, without intervals; none where nothing varies."""
    surrogate = fit_table(rescaled(table, scale)).surrogate
    effects = total_effects(surrogate, 0)
    if effects.variance <= 0:
        return {}
    return {
        name: min(float(total) / effects.variance, 1.0)
        for name, total in zip(surrogate.domain.names, effects.total, strict=True)
    }
