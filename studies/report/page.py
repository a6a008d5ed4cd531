"""Putting a report together: what was found in plain words, the figures, the table of trials."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go

from search_spaces.describe import show_value
from search_spaces.parameters import parameters
from studies.difference import differences
from studies.ledger import Ledger
from studies.outcomes import outcome_of
from studies.report.figures import curves_figure, last_score, progress_figure, slice_figure


def write_report(ledger: Ledger, path: Path) -> None:
    """Write the report of a study to `path` as one HTML file that works offline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(ledger), encoding="utf-8")


def render_report(ledger: Ledger) -> str:
    """Render the report of a study as HTML."""
    trials, best, metric = ledger.trials(), ledger.best(), ledger.definition.settings.metric
    space = ledger.definition.space
    sections = [
        ("Progress", progress_figure(trials, metric, minimizes=ledger.minimizes)),
        ("Learning curves", curves_figure(trials, metric, best.number if best else None)),
    ]
    slices = [
        (parameter.name, slice_figure(trials, parameter, metric))
        for parameter in parameters(space)
        if any(parameter.name in trial.params for trial in trials)
    ]
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("studies.report") / "template.html").read_text(encoding="utf-8")
    )
    drawn = _draw([figure for _, figure in [*sections, *slices]])
    return template.render(
        name=ledger.name,
        metric=metric,
        direction=ledger.definition.settings.direction,
        status=ledger.status(),
        best=best,
        differences=[
            (row.name, *("-" if value is None else show_value(value) for value in (row.default, row.value)))
            for row in (differences(space, best.params) if best else ())
        ],
        sections=list(zip([title for title, _ in sections], drawn, strict=False)),
        slices=list(zip([title for title, _ in slices], drawn[len(sections) :], strict=True)),
        trials=[_row(trial) for trial in trials],
    )


def _draw(figures: list[go.Figure]) -> list[str]:
    """Give each figure as HTML; the first one carries the plotting library for all."""
    return [
        figure.to_html(full_html=False, include_plotlyjs=position == 0, config={"displayModeBar": False, "responsive": True})
        for position, figure in enumerate(figures)
    ]


def _row(trial: Any) -> dict[str, Any]:
    outcome, score = outcome_of(trial), last_score(trial)
    return {
        "number": trial.number,
        "outcome": outcome.value if outcome else "running",
        "score": "-" if score is None else f"{score:.5g}",
        "validations": len(trial.intermediate_values),
        "seconds": trial.user_attrs.get("seconds", "-"),
        "params": ", ".join(f"{name}={show_value(value)}" for name, value in trial.params.items()),
    }
