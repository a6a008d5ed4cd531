"""Trials that failed in a study of plain Optuna: a lost machine, or a configuration that does not work?

Plain Optuna tells a trial whose score is NaN, and one whose code raised, as FAIL. Where how many fail
depends on the parameters, such a trial says that its configuration is bad, and leaving it out hides the
parameters that decide it. Where it does not, failing is bad luck and says nothing of the configuration.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2_contingency, mannwhitneyu

from studies.surrogate.domain import Array, Domain, Mask

FEWEST = 4  # failed trials, and others, with which it can be told whether their rate depends on anything
CHANCE = 0.01  # that failures which depend on nothing are said to depend on a parameter
BANDS = 4  # of a range, between which rates are compared


@dataclass(frozen=True)
class Dependence:
    """The parameter on which failing depends most clearly, and the chance of that by luck alone."""

    name: str
    chance: float


def failing_depends_on(domain: Domain, coordinates: Array, active: Mask, failed: Mask) -> Dependence | None:
    """Say on which parameter the rate of failures depends, or None where the trials do not show any.

    Args:
        domain: the axes.
        coordinates: of all ended trials, `(n, axes)`.
        active: which axes exist, `(n, axes)`.
        failed: which of the trials failed, `(n,)`.
    """
    tests = []
    for column, axis in enumerate(domain.axes):
        there = active[:, column]
        bad, fine = coordinates[there & failed, column], coordinates[there & ~failed, column]
        if len(axis.nodes) == 1 or len(bad) < FEWEST or len(fine) < FEWEST:
            continue
        if axis.ordered:
            tests.append((float(mannwhitneyu(bad, fine).pvalue), axis.name))
            edges = np.unique(np.quantile(coordinates[there, column], np.linspace(0, 1, BANDS + 1)[1:-1]))
            tests.append((_differ(np.searchsorted(edges, bad), np.searchsorted(edges, fine)), axis.name))
        else:
            tests.append((_differ(bad.astype(int), fine.astype(int)), axis.name))
    if not tests:
        return None
    least, name = min(tests)
    chance = min(least * len(tests), 1.0)
    return Dependence(name, chance) if chance < CHANCE else None


def _differ(bad: Array, fine: Array) -> float:
    """Give the chance that two lots of cells differ as much where their rates are alike."""
    count = int(max(bad.max(), fine.max())) + 1
    table = np.array([np.bincount(bad, minlength=count), np.bincount(fine, minlength=count)])
    table = table[:, table.sum(axis=0) > 0]
    return float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0
