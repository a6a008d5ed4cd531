"""The catalogue's soft rules, each held against the trials: confirmed, contradicted, or untested."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from search_spaces.catalogue.rules import SHIFTS, Shift
from search_spaces.space.nodes import Float
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.findings.drift import draw
from studies.analysis.observations.table import Table
from studies.analysis.shares.evidence import FEWEST_ON_A_BRANCH
from studies.analysis.shares.importance import Fitted
from studies.analysis.shares.projection import Projection, project

DRAWS = 400
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class RuleVerdict:
    """What the trials say of a rule.

    `factor` is how many times larger the best value is with the gate on, and `low` to `high` its 90 %
    interval; all None where the rule is untested for want of the parameters or of trials. `why` is a
    sentence.
    """

    rule: Shift
    verdict: Literal["confirmed", "contradicted", "untested"]
    factor: float | None
    low: float | None
    high: float | None
    why: str


def judge(
    table: Table, fitted: Fitted, *, rules: Sequence[Shift] = SHIFTS, seed: int = 0
) -> tuple[RuleVerdict, ...]:
    """Hold each rule whose parameters the space has against the trials.

    The best value is where the expected loss along the parameter, averaged over everything else, is least; it
    is drawn from the posterior with the gate on and off together. A rule is decided only if the interval of
    the factor leaves out one.
    """
    names = table.domain.names
    return tuple(
        _judged(table, fitted, rule, seed) for rule in rules if rule.parameter in names and rule.gate in names
    )


def _judged(table: Table, fitted: Fitted, rule: Shift, seed: int) -> RuleVerdict:
    gate, column = (table.domain.names.index(name) for name in (rule.gate, rule.parameter))
    node = table.domain.axes[column].parameter.node
    if not isinstance(node, Float) or not node.log:
        return RuleVerdict(
            rule, "untested", None, None, None, f"{rule.parameter} is not searched on a log scale."
        )
    projection = _projected(fitted, rule)
    chosen = (
        {}
        if projection is None
        else {
            option: [i for i, row in enumerate(projection.values) if row[0] == option]
            for option in (rule.on, rule.off)
        }
    )
    if projection is None or not all(chosen.values()):
        return RuleVerdict(
            rule, "untested", None, None, None, f"{rule.parameter} and {rule.gate} never vary together."
        )
    for option in (rule.on, rule.off):
        code = projection.positions[chosen[option][0], 0]
        trials = int(
            np.sum(table.active[:, (gate, column)].all(axis=1) & (table.coordinates[:, gate] == code))
        )
        if trials < FEWEST_ON_A_BRANCH:
            return RuleVerdict(
                rule,
                "untested",
                None,
                None,
                None,
                f"Only {trials} trials have {rule.gate} at {option} and {rule.parameter} beside it.",
            )
    drawn = draw(projection, DRAWS, seed)
    logs = np.array([np.log(float(row[1])) for row in projection.values])
    best = {option: logs[rows][np.argmin(drawn[rows], axis=0)] for option, rows in chosen.items()}
    middle = {option: logs[rows][np.argmin(projection.mean[rows])] for option, rows in chosen.items()}
    low, high = np.exp(np.quantile(best[rule.on] - best[rule.off], INTERVAL))
    factor = float(np.exp(middle[rule.on] - middle[rule.off]))
    upwards = rule.factor > 1
    if low > 1 or high < 1:
        agrees = (low > 1) == upwards
        why = f"The best {rule.parameter} is {factor:.2g} times as large ({low:.2g} to {high:.2g})."
        return RuleVerdict(
            rule, "confirmed" if agrees else "contradicted", factor, float(low), float(high), why
        )
    if low == high:  # both exactly 1: the fit holds no interaction of the two
        why = f"The fit finds the best {rule.parameter} the same at either, so these trials show no shift."
        return RuleVerdict(rule, "untested", factor, float(low), float(high), why)
    why = f"The interval {low:.2g} to {high:.2g} of the factor holds 1, so these trials do not decide it."
    return RuleVerdict(rule, "untested", factor, float(low), float(high), why)


def _projected(fitted: Fitted, rule: Shift) -> Projection | None:
    try:
        return project(fitted, rule.gate, rule.parameter)
    except NothingToAnalyse:
        return None
