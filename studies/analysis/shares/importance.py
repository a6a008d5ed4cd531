"""What mattered and what interacts: the analysis of a table, as one frozen result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

import numpy as np

from search_spaces.space.nodes import Value
from studies.analysis.observations.outliers import fit_without_outliers
from studies.analysis.observations.table import Table
from studies.analysis.shares.evidence import WIDEST, WIDEST_TOTAL, Evidence, Width, cross_validated, weigh
from studies.analysis.shares.intervals import Estimate, Estimates, estimate
from studies.surrogate.domain import Array, Domain
from studies.surrogate.gaussian_process import Surrogate, points_of

MOST_LISTED = 5  # trials that a sentence names
EVALUATOR = "functional ANOVA of a conditional Gaussian process"
Conditions = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Contribution:
    """What one parameter, or one pair beyond its two parameters, explains of the objective's variance.

    `share`, with its 90 % interval `low` to `high`, is a part of one; all three are None where no structure
    was found. `total` is the share of a parameter with all its interactions, with its interval, None for a
    pair. `trials` is the number of trials it rests on and `when` the conditions under which it exists.
    """

    names: tuple[str, ...]
    share: float | None
    low: float | None
    high: float | None
    trials: int
    when: Conditions
    total: Estimate | None = None


@dataclass(frozen=True)
class Importance:
    """The analysis of a study on one scale of its objective.

    Parameters stand in falling order of their totals, pairs of their shares.
    """

    evaluator: str
    evidence: Evidence
    main: tuple[Contribution, ...]
    pairs: tuple[Contribution, ...]
    policy: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One sentence: whether there is a ranking and how far to trust it."""
        if not self.evidence.has_structure:
            return "no structure found"
        doubt = "" if self.evidence.confidence == "good" else " (low confidence)"
        return f"{'weak ' if self.evidence.is_weak else ''}structure found{doubt}"

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
                {"name": effect.names[0], **_effect_data(effect), **_total_data(effect.total)}
                for effect in self.main
            ],
            "pairs": [{"names": list(effect.names), **_effect_data(effect)} for effect in self.pairs],
        }


@dataclass(frozen=True, eq=False)
class Fitted:
    """A surrogate with what it was fitted to, rows and axes in canonical order.

    `points` are the trials as the surrogate reads them, `(n, 2 * axes)`. `order` holds for each axis of
    the surrogate its place in the table's domain, `rows` the same for trials. `outliers` are the numbers
    of the trials that were left out, because their score lies far from all others and nothing explains it.
    """

    surrogate: Surrogate
    points: Array
    loss: Array
    variance: Array
    order: tuple[int, ...]
    rows: tuple[int, ...]
    outliers: tuple[int, ...] = ()


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
    robust = fit_without_outliers(domain, points, loss, variance, exempt=~table.completed[rows])
    kept = robust.kept
    return Fitted(
        robust.surrogate,
        points[kept],
        loss[kept],
        variance[kept],
        order,
        tuple(map(int, rows[kept])),
        tuple(sorted(table.numbers[row] for row in rows[~kept])),
    )


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
    prediction = cross_validated(surrogate.domain, fitted.points, fitted.loss, fitted.variance, seed)
    progress(0.35)
    estimates = estimate(
        surrogate,
        fitted.points,
        fitted.loss,
        fitted.variance,
        seed=seed,
        progress=lambda done: progress(0.35 + 0.65 * done),
    )
    evidence = weigh(table, prediction, estimates.unknown, _too_wide(estimates, surrogate.domain.names))
    evidence = _with_outliers(evidence, fitted.outliers)
    effects = []
    for members, share in estimates.shares.items():
        columns = tuple(sorted(fitted.order[member] for member in members))
        total = estimates.totals[members[0]] if len(members) == 1 else None
        shown = (share, total) if evidence.has_structure else (None, None)
        # What has one value varied nowhere, and nothing was found out about it.
        if all(len(table.domain.axes[column].nodes) > 1 for column in columns):
            effects.append((columns, _effect(table, columns, *shown)))
    # Ties, and everything where nothing is ranked, stand in the order of the space.
    effects.sort(key=lambda entry: (-_rank(entry[1]), entry[0]))
    return Importance(
        EVALUATOR,
        evidence,
        tuple(effect for columns, effect in effects if len(columns) == 1),
        tuple(effect for columns, effect in effects if len(columns) == 2),  # noqa: PLR2004 - a pair
        table.policy,
    )


def _effect(
    table: Table, columns: tuple[int, ...], estimated: Estimate | None, total: Estimate | None
) -> Contribution:
    when = _common_conditions(table.domain, columns)
    return Contribution(
        names=tuple(table.domain.axes[column].name for column in columns),
        share=estimated.share if estimated else None,
        low=estimated.low if estimated else None,
        high=estimated.high if estimated else None,
        trials=int(table.active[:, columns].all(axis=1).sum()),
        when=when,
        total=total,
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


def _too_wide(estimates: Estimates, names: tuple[str, ...]) -> list[Width]:
    """List the shares whose intervals are too wide for a ranking, the widest first."""
    shares = [
        (" x ".join(names[member] for member in members), share, WIDEST)
        for members, share in estimates.shares.items()
    ]
    totals = [
        (f"{name} with its interactions", total, WIDEST_TOTAL)
        for name, total in zip(names, estimates.totals, strict=True)
    ]
    wide = [each for each in (*shares, *totals) if each[1].high - each[1].low > each[2]]
    wide.sort(key=lambda each: (each[1].low - each[1].high, each[0]))
    return [(name, share.low, share.high) for name, share, _ in wide]


def _with_outliers(evidence: Evidence, outliers: tuple[int, ...]) -> Evidence:
    if not outliers:
        return evidence
    listed = ", ".join(map(str, outliers[:MOST_LISTED])) + (
        " and more" if len(outliers) > MOST_LISTED else ""
    )
    trials = f"trial {listed} has a score" if len(outliers) == 1 else f"trials {listed} have scores"
    said = (
        f"{trials[0].upper()}{trials[1:]} far from all others that no parameter explains; the analysis "
        f"leaves {'that trial' if len(outliers) == 1 else 'those trials'} out."
    )
    return replace(evidence, warnings=(*evidence.warnings, said))


def _rank(effect: Contribution) -> float:
    return (effect.share or 0.0) if effect.total is None else effect.total.share


def _total_data(total: Estimate | None) -> dict[str, Any]:
    return {
        "total": None if total is None else total.share,
        "total_low": None if total is None else total.low,
        "total_high": None if total is None else total.high,
    }


def _effect_data(effect: Contribution) -> dict[str, Any]:
    return {
        "share": effect.share,
        "low": effect.low,
        "high": effect.high,
        "n": effect.trials,
        "when": [{"name": name, "is": list(values)} for name, values in effect.when.items()] or None,
    }
