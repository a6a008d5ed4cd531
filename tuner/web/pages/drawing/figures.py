"""Scores and curves of trials, drawn by the figures of the report."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from studies.report.drawing.axes import ScoreAxis, score_axis
from studies.report.drawing.figures import (
    add_curve,
    axis_of_trials,
    curves_figure,
    progress_figure,
    style,
    thinned,
)
from studies.report.drawing.plain_figure import PlainFigure
from studies.report.drawing.svg import draw_svg
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

MOST_MARKS = 700  # trials that a figure shows: more would hide one another
# Of trials beside one another; told apart by their dashes as well.
COLOURS = ("#1f5aa6", "#c8501e", "#2e7d5b", "#8a3fa0", "#946c00")
DASHES = ("solid", "dash")
RUNNING = "#b8860b"


def progress(
    trials: Sequence[TrialRecord], metric: str, *, minimizes: bool, scale: str | None, width: int = 520
) -> tuple[str, str]:
    """Draw the score of each trial in their order.

    Returns: An SVG element, and a note on what is not as it was asked for; empty where all is.
    """
    shown = thinned(trials, minimizes=minimizes, most=MOST_MARKS)
    note = "" if len(shown) == len(trials) else f"{len(shown)} of {len(trials)} trials are drawn. "
    if scale == "rank":
        shown, metric = _as_ranks(shown, minimizes=minimizes), f"rank of {metric}"
        axis = axis_of_trials(shown, metric, minimizes=True)
        axis = replace(axis, log=False)
    else:
        axis, more = _on(scale, axis_of_trials(shown, metric, minimizes=minimizes))
        note += more
    figure = progress_figure(shown, axis, make=PlainFigure)
    figure.update_layout(height=300)
    return draw_svg(figure, width), note.strip()


def curves(
    trials: Sequence[TrialRecord],
    metric: str,
    best: TrialRecord | None,
    *,
    minimizes: bool,
    width: int = 520,
) -> str:
    """Draw the learning curves of trials by outcome, those that run on top, the best one in bold."""
    figure = curves_figure(trials, metric, best, minimizes=minimizes, make=PlainFigure)
    values = [value for trial in trials for value in trial.curve.values()]
    axis = score_axis(metric, values, minimizes=minimizes)
    for place, trial in enumerate(trial for trial in trials if trial.outcome is None and trial.curve):
        add_curve(figure, trial, axis, name="running", showlegend=place == 0, **_look(RUNNING))
    figure.update_layout(height=300)
    return draw_svg(figure, width)


def curves_together(trials: Sequence[TrialRecord], metric: str, *, minimizes: bool, width: int = 520) -> str:
    """Draw the curves of a few trials, each in a colour of its own."""
    values = [value for trial in trials for value in trial.curve.values()]
    axis = score_axis(metric, values, minimizes=minimizes)
    figure = PlainFigure()
    for place, trial in enumerate(trials):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]
        if trial.curve:
            add_curve(figure, trial, axis, name=f"trial {trial.number}", **_look(colour, dash))
    style(figure, "validation (number)", height=320)
    figure.update_layout(showlegend=len(trials) > 1)
    axis.apply(figure)
    return draw_svg(figure, width)


def _on(scale: str | None, axis: ScoreAxis) -> tuple[ScoreAxis, str]:
    if scale is None or (scale == "log") == axis.log:
        return axis, ""
    if scale == "log" and axis.low <= 0:
        return axis, "Not every score is positive, so the axis is linear."
    return replace(axis, log=scale == "log"), ""


def _as_ranks(trials: Sequence[TrialRecord], *, minimizes: bool) -> list[TrialRecord]:
    """Put in the place of each score its rank, counted from 1, the best first; equal scores share one."""
    scores = {trial.shown_score for trial in trials}
    known = sorted({s for s in scores if s is not None and isfinite(s)}, reverse=not minimizes)
    rank = {score: float(place) for place, score in enumerate(known, start=1)}
    worst = float(len(known) + 1)
    return [
        replace(
            trial,
            score=None if trial.score is None else rank.get(trial.score, worst),
            curve={step: rank.get(value, worst) for step, value in trial.curve.items()},
        )
        for trial in trials
    ]


def _look(colour: str, dash: str = "solid") -> dict[str, Any]:
    return {"line": {"color": colour, "width": 2, "dash": dash}, "marker": {"color": colour}}


def outcome_bar(counts: Sequence[tuple[str, int]]) -> str:
    """Draw how many trials ended how as one bar of parts, which are told in words beside it."""
    total = sum(count for _, count in counts)
    if not total:
        return ""
    parts, at = [], 0.0
    for name, count in counts:
        width = 1000 * count / total
        if count:
            parts.append(
                f'<rect x="{at:.1f}" y="0" width="{max(width - 2, 1):.1f}" height="10" class="o-{name}"/>'
            )
        at += width
    return (
        '<svg class="outcomes" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" '
        f'aria-label="trials by outcome">{"".join(parts)}</svg>'
    )


def outcome_class(outcome: Outcome | None) -> str:
    """Give the class by which the style sheet knows an outcome."""
    return "running" if outcome is None else outcome.name.lower().replace("_", "-")
