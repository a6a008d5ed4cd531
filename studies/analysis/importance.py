"""What mattered and what interacts: the analysis of a table, as one frozen result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from search_spaces.space import Value
from studies.analysis.domain import Array, Domain
from studies.analysis.evidence import Evidence, cross_validated_r2, weigh
from studies.analysis.intervals import Estimate, estimate
from studies.analysis.surrogate import Surrogate, fit, points_of
from studies.analysis.table import Table
from studies.analysis.totals import total_shares

EVALUATOR = "functional ANOVA of a conditional Gaussian process"
Conditions = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Effect:
    """What one parameter, or one pair beyond its two parameters, explains of the objective's variance.

    `share`, with its 90 % interval `low` to `high`, is a part of one; all three are None where no structure
    was found. `total` is the share of a parameter with all its interactions, None for a pair. `trials` is the
    number of trials it rests on and `when` the conditions under which it exists.
    """

    names: tuple[str, ...]
    share: float | None
    low: float | None
    high: float | None
    trials: int
    when: Conditions
    total: float | None = None


@dataclass(frozen=True)
class Importance:
    """The analysis of a study on one scale of its objective; effects in falling order of their shares."""

    evaluator: str
    evidence: Evidence
    main: tuple[Effect, ...]
    pairs: tuple[Effect, ...]
    policy: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One sentence: whether there is a ranking and how far to trust it."""
        if not self.evidence.has_structure:
            return "no structure found"
        doubt = "" if self.evidence.confidence == "good" else " (low confidence)"
        return f"structure found{doubt}"

    def to_data(self) -> dict[str, Any]:
        """Write the analysis as plain data for JSON."""
        evidence = self.evidence
        return {
            "evaluator": self.evaluator,
            "trials_used": evidence.trials,
            "cv_r2": evidence.cv_r2,
            "verdict": self.verdict,
            "confidence": evidence.confidence,
            "unknown": evidence.unknown,
            "exploration": evidence.exploration,
            "outcomes": {outcome.value: count for outcome, count in evidence.outcomes.items()},
            "warnings": list(evidence.warnings),
            "policy": list(self.policy),
            "main": [
                {"name": effect.names[0], **_effect_data(effect), "total": effect.total}
                for effect in self.main
            ],
            "pairs": [{"names": list(effect.names), **_effect_data(effect)} for effect in self.pairs],
        }


@dataclass(frozen=True, eq=False)
class Fitted:
    """A surrogate with what it was fitted to, rows and axes in canonical order.

    `order` holds for each axis of the surrogate its place in the table's domain, `rows` the same for trials.
    """

    surrogate: Surrogate
    loss: Array
    variance: Array
    order: tuple[int, ...]
    rows: tuple[int, ...]


def fit_table(table: Table) -> Fitted:
    """Fit the surrogate to a table.

    Axes and rows are sorted by what they hold first, so that neither the order of the trials nor the names of
    the parameters changes a bit of the result.
    """
    order = _canonical_axes(table)
    coordinates, active = table.coordinates[:, order], table.active[:, order]
    keys = np.column_stack([table.loss, coordinates[:, ::-1]])
    rows = np.lexsort(keys.T)
    domain = table.domain.permuted(order)
    points = points_of(coordinates[rows], active[rows])
    loss, variance = table.loss[rows], table.variance[rows]
    return Fitted(fit(domain, points, loss, variance), loss, variance, order, tuple(map(int, rows)))


def measure_importance(
    table: Table,
    *,
    fitted: Fitted | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Importance:
    """Measure what every parameter and every pair of a table explains.

    Args:
        table: the trials.
        fitted: what `fit_table` made of them, where that has been done.
        seed: of folds, draws and resampling; the same seed gives the same result to the bit.
        progress: is told the fraction done.
    """
    fitted = fitted or fit_table(table)
    progress(0.15)
    surrogate = fitted.surrogate
    cv_r2 = cross_validated_r2(surrogate.domain, surrogate.points, fitted.loss, fitted.variance, seed)
    progress(0.35)
    estimates = estimate(
        surrogate, fitted.loss, fitted.variance, seed=seed, progress=lambda done: progress(0.35 + 0.65 * done)
    )
    evidence = weigh(table, cv_r2, estimates.unknown)
    totals = total_shares(surrogate, seed)
    effects = []
    for members, share in estimates.shares.items():
        columns = tuple(sorted(fitted.order[member] for member in members))
        # Measured by other means than the share itself, a total can fall short of it by a hair.
        total = max(float(totals[members[0]]), share.share) if len(members) == 1 else None
        shown = (share, total) if evidence.has_structure else (None, None)
        effects.append((columns, _effect(table, columns, *shown)))
    # Ties, and everything where nothing is ranked, stand in the order of the space.
    effects.sort(key=lambda entry: (-(entry[1].share or 0.0), entry[0]))
    return Importance(
        EVALUATOR,
        evidence,
        tuple(effect for columns, effect in effects if len(columns) == 1),
        tuple(effect for columns, effect in effects if len(columns) == 2),  # noqa: PLR2004 - a pair
        table.policy,
    )


def _effect(
    table: Table, columns: tuple[int, ...], estimated: Estimate | None, total: float | None
) -> Effect:
    when = _common_conditions(table.domain, columns)
    return Effect(
        names=tuple(table.domain.axes[column].name for column in columns),
        share=estimated.share if estimated else None,
        low=estimated.low if estimated else None,
        high=estimated.high if estimated else None,
        trials=int(table.active[:, columns].all(axis=1).sum()),
        when=when,
        total=None if total is None else min(total, 1.0),
    )


def _common_conditions(domain: Domain, columns: tuple[int, ...]) -> Conditions:
    """Give the conditions under which some parameters exist together; no values where they never do."""
    merged: dict[str, tuple[Value, ...]] = {}
    for column in columns:
        for name, allowed in domain.axes[column].parameter.conditions.items():
            merged[name] = tuple(value for value in allowed if value in merged.get(name, allowed))
    return merged


def _canonical_axes(table: Table) -> tuple[int, ...]:
    mean = fsum(table.loss) / table.trials
    scale = (fsum((table.loss - mean) ** 2) / table.trials) ** 0.5 or 1.0
    standardised = np.round((table.loss - mean) / scale, 9)

    def key(column: int) -> tuple[Any, ...]:
        axis, values = table.domain.axes[column], table.coordinates[:, column]
        along = round(fsum(values * standardised), 6)
        return (
            axis.ordered,
            len(axis.nodes),
            int(table.active[:, column].sum()),
            tuple(np.sort(values)),
            along,
        )

    return tuple(sorted(range(len(table.domain.axes)), key=key))


def _effect_data(effect: Effect) -> dict[str, Any]:
    return {
        "share": effect.share,
        "low": effect.low,
        "high": effect.high,
        "n": effect.trials,
        "when": [{"name": name, "is": list(values)} for name, values in effect.when.items()] or None,
    }
