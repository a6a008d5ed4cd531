"""The part of a report that comes from the analysis, as plain data for the template."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from search_spaces.space.parameters import Parameter, parameters
from studies.analysis.findings.range_ends import Boundary
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.importance import Effect
from studies.analysis.shares.tree import Row, is_folded, tree_of
from studies.analysis.views import PairView, Views
from studies.analysis.words import no_interaction, show_when, verdict_in_words
from studies.report.investigation import Investigation
from studies.report.pair_figures import doubt_figure, drift_figure, score_figure
from studies.report.subject import Subject

MOST_BARS = 20
MOST_IN_MATRIX = 10
LEAST_SHOWN = 0.005  # of a share: below it a number would read 0
_ABSENT = "-"

Draw = Callable[[go.Figure], str]


def analysis_part(subject: Subject, found: Investigation, draw: Draw) -> dict[str, Any] | None:
    """Prepare what the template shows of an analysis; None where there is none.

    Args:
        subject: the study.
        found: its analysis.
        draw: gives a figure as HTML.
    """
    analysis, views = found.analysis, found.views
    if analysis is None or views is None:
        return None
    importance, evidence = analysis.importance, analysis.importance.evidence
    nodes = {parameter.name: parameter for parameter in parameters(subject.space)}
    main = importance.main if evidence.has_structure else ()
    shown = tree_of(importance, LEAST_SHOWN)[:MOST_BARS] if main else ()
    pairs = [
        effect for effect in importance.pairs if (effect.share or 0) >= LEAST_SHOWN and not is_folded(effect)
    ][:MOST_BARS]
    decided = [rule for rule in views.rules if rule.verdict != "untested"]
    return {
        "sentences": verdict_in_words(analysis, views),
        "basis": _basis(analysis),
        "what": analysis.what,
        "warnings": evidence.warnings,
        "policy": importance.policy,
        "bars": [_tree_bar(row) for row in shown],
        "pair_bars": [_bar(effect) for effect in pairs],
        "no_interaction": no_interaction(importance),
        "left_out": len(main) - len(shown),
        "matrix": _matrix(main, importance.pairs),
        "pairs": [_pair(analysis, view, nodes, subject, draw) for view in views.pairs],
        "boundaries": [_boundary(boundary, nodes) for boundary in views.boundaries],
        "rules": [
            {
                "statement": rule.rule.statement,
                "source": rule.rule.source,
                "verdict": rule.verdict,
                "why": rule.why,
            }
            for rule in decided
        ],
        "undecided": len(views.rules) - len(decided),
        "ablation": _ablation(analysis, views),
        "compared": _compared(analysis, [row.effect for row in shown]),
    }


def _basis(analysis: StudyAnalysis) -> str:
    """Write what every share rests on: its evaluator, the trials, the region."""
    evidence, evaluator = analysis.importance.evidence, analysis.importance.evaluator
    return (
        f"{evaluator[0].upper()}{evaluator[1:]} on {evidence.trials} trials, "
        f"{evidence.exploration:.0%} of them quasi-random. Region: the whole space, every range on its "
        f"scale. Shares are of the variance of {analysis.what}, with 90% intervals. On trials that it has "
        f"not seen the surrogate has an R2 of {evidence.cv_r2:.2f}; {evidence.unknown:.0%} of the variance "
        "is left open."
    )


def _when(when: Mapping[str, tuple[Value, ...]]) -> str:
    return show_when(when) or "always"


def _bar(effect: Effect) -> dict[str, Any]:
    share, low, high = (100 * (value or 0.0) for value in (effect.share, effect.low, effect.high))
    return {
        "name": " x ".join(effect.names), "depth": 0,
        "share": share, "low": low, "high": high,
        "total": None if effect.total is None else 100 * effect.total.share,
        "total_low": None if effect.total is None else 100 * effect.total.low,
        "total_high": None if effect.total is None else 100 * effect.total.high,
        "trials": effect.trials, "when": _when(effect.when),
    }  # fmt: skip


def _tree_bar(row: Row) -> dict[str, Any]:
    own = row.own
    return _bar(row.effect) | {
        "depth": row.depth,
        "share": 100 * own.share,
        "low": 100 * own.low,
        "high": 100 * own.high,
    }


def _matrix(main: tuple[Effect, ...], pairs: tuple[Effect, ...]) -> dict[str, Any] | None:
    """Arrange the shares of those parameters that take part in most."""
    involved = {effect.names[0]: effect.share or 0.0 for effect in main if effect.total is not None}
    for effect in pairs:
        for name in effect.names:
            involved[name] = involved.get(name, 0.0) + (effect.share or 0.0)
    names = sorted(involved, key=lambda name: -involved[name])[:MOST_IN_MATRIX]
    names = [name for name in names if involved[name] >= LEAST_SHOWN]
    if len(names) < 2:  # noqa: PLR2004 - a matrix of pairs
        return None
    shares = {frozenset(effect.names): effect for effect in (*main, *pairs)}
    rows = [
        [
            _cell(shares.get(frozenset({row, column}))) if place <= index else None
            for place, column in enumerate(names)
        ]
        for index, row in enumerate(names)
    ]
    return {
        "names": names,
        "rows": [{"name": name, "cells": row} for name, row in zip(names, rows, strict=True)],
    }


def _cell(effect: Effect | None) -> dict[str, Any]:
    if effect is None or effect.trials == 0:
        return {"text": "never", "shade": 0.0, "title": "The two never exist together."}
    share = effect.share or 0.0
    # A pair of a choice and what exists on one of its branches only: that it exists is the interaction.
    mark = "*" if set(effect.names) & set(effect.when) else ""
    text = "" if share < LEAST_SHOWN else f"{100 * share:.0f}{mark}"
    title = (
        f"{' x '.join(effect.names)}: {100 * share:.1f}% ({100 * (effect.low or 0):.1f} to "
        f"{100 * (effect.high or 0):.1f}), {effect.trials} trials, exists when {_when(effect.when)}"
    )
    return {"text": text, "shade": round(min(share * 1.5, 0.75), 3), "title": title}


def _pair(
    analysis: StudyAnalysis, view: PairView, nodes: Mapping[str, Parameter], subject: Subject, draw: Draw
) -> dict[str, Any]:
    first, second = (nodes[name] for name in view.projection.names)
    doubt = doubt_figure(analysis, view.projection, (first, second))
    effect = view.effect
    note = (
        f"{100 * (effect.share or 0):.0f}% of the variance of {analysis.what} "
        f"({100 * (effect.low or 0):.0f} to {100 * (effect.high or 0):.0f}), {effect.trials} trials; exists "
        f"{'always' if not effect.when else 'when ' + _when(effect.when)}. Averaged over all others."
    )
    coordinate = None
    if view.coordinate is not None:
        removed = min(view.coordinate.removed, 0.99)
        coordinate = f"Along {view.coordinate.formula} about {removed:.0%} of this interaction is gone."
    return {
        "title": f"{first.name} x {second.name}",
        "note": note,
        "coordinate": coordinate,
        "score": draw(score_figure(analysis, view.projection, (first, second), subject.trials)),
        "doubt": None if doubt is None else draw(doubt),
        "drift": draw(drift_figure(view.drift, (first, second))),
    }


def _boundary(boundary: Boundary, nodes: Mapping[str, Parameter]) -> str:
    node = nodes[boundary.name].node
    low, high = getattr(node, "low", boundary.low), getattr(node, "high", boundary.high)
    end = show_value(low if boundary.at == "low" else high)
    said = (
        f"{boundary.name}: {boundary.crowding:.0%} of the {boundary.trials} best trials, and the best one, "
        f"lie in the outer tenth of its range, at the {boundary.at} end {end}."
    )
    if (boundary.low, boundary.high) == (low, high):
        return f"{said} That end may be a natural limit; widen it by hand if it is not."
    return f"{said} Search {show_value(boundary.low)} to {show_value(boundary.high)} next."


def _ablation(analysis: StudyAnalysis, views: Views) -> list[dict[str, str]]:
    rows = []
    for step in views.ablation:
        doubt = 1.645 * step.deviation
        sure = "yes" if step.gain > doubt else "it may be a loss" if step.gain < 0 else "not sure"
        score = float(analysis.score(np.array(step.loss)))
        rows.append(
            {
                "name": step.name,
                "before": _ABSENT if step.before is None else show_value(step.before),
                "after": show_value(step.after),
                "score": f"{score:.4g}",
                "sure": sure,
            }
        )
    return rows


def _compared(analysis: StudyAnalysis, shown: list[Effect]) -> dict[str, Any]:
    """Put other scales and Optuna's evaluators beside ours."""
    columns = [
        f"ours, {analysis.scale}",
        *(f"ours, {scale}" for scale in analysis.by_scale),
        *analysis.elsewhere,
    ]
    rows = []
    for effect in shown:
        name = effect.names[0]
        others = [shares.get((name,)) for shares in analysis.by_scale.values()]
        theirs = [values.get(name) for values in analysis.elsewhere.values()]
        numbers = [effect.share, *others, *theirs]
        rows.append([name, *(_ABSENT if number is None else f"{number:.2f}" for number in numbers)])
    return {"columns": columns, "rows": rows}
