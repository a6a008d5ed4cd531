"""Putting a report together: what was found in plain words, the figures, the table of trials."""

import io
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
from optuna.trial import FrozenTrial
from ruamel.yaml import YAML

from search_spaces.describe import show_conditions, show_value
from search_spaces.parameters import Parameter, parameters
from search_spaces.space import Value
from studies.difference import differences
from studies.identity import VERSION
from studies.ledger import Ledger
from studies.outcomes import Outcome, outcome_of
from studies.report.figures import axis_of_trials, curves_figure, last_score, progress_figure, slice_figure

_ABSENT = "-"


def write_report(ledger: Ledger, path: Path) -> None:
    """Write the report of a study to `path` as one HTML file that needs nothing else, offline as well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(ledger), encoding="utf-8")


def render_report(ledger: Ledger) -> str:
    """Render the report of a study as HTML."""
    trials, best, settings = ledger.trials(), ledger.best(), ledger.definition.settings
    status, ended = ledger.status(), [outcome_of(trial) for trial in trials]
    axis = axis_of_trials(trials, settings.metric, minimizes=ledger.minimizes)
    tried = [
        parameter
        for parameter in parameters(ledger.definition.space)
        if any(parameter.name in trial.params for trial in trials)
    ]
    drawn = _draw(
        progress_figure(trials, axis),
        curves_figure(trials, settings.metric, best, minimizes=ledger.minimizes),
        *(slice_figure(trials, parameter, axis, best) for parameter in tried),
    )
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("studies.report") / "template.html").read_text(encoding="utf-8")
    )
    return template.render(
        settings=settings,
        best=best,
        spent=status["slots"] - status["trials"]["waiting"] - status["trials"]["running"],
        slots=status["slots"],
        counts=[(outcome.value, count) for outcome in Outcome if (count := ended.count(outcome))],
        running=status["trials"]["running"],
        differences=_differences(ledger, best),
        progress=drawn[0],
        curves=drawn[1],
        slices=[(p.name, _existence(p, trials), figure) for p, figure in zip(tried, drawn[2:], strict=True)],
        trials=[_row(trial) for trial in trials],
        definition=_definition(ledger),
        version=ledger.study.user_attrs[VERSION],
    )


def _draw(*figures: go.Figure) -> list[str]:
    """Give each figure as HTML; the first one carries the drawing library for all."""
    config = {"displayModeBar": False, "responsive": True}
    return [
        figure.to_html(full_html=False, include_plotlyjs=position == 0, config=config)
        for position, figure in enumerate(figures)
    ]


def _differences(ledger: Ledger, best: FrozenTrial | None) -> list[tuple[str, str, str]]:
    if best is None:
        return []
    return [
        (row.name, _shown(row.default), _shown(row.value))
        for row in differences(ledger.definition.space, best.params)
    ]


def _shown(value: Value | None) -> str:
    return _ABSENT if value is None else show_value(value)


def _existence(parameter: Parameter, trials: list[FrozenTrial]) -> str:
    count = sum(parameter.name in trial.params for trial in trials)
    when = f", when {show_conditions(parameter)}" if parameter.conditions else ""
    return f"{count} trial{'s' if count > 1 else ''}{when}"


def _row(trial: FrozenTrial) -> dict[str, Any]:
    outcome, score, seconds = outcome_of(trial), last_score(trial), trial.user_attrs.get("seconds")
    return {
        "number": trial.number,
        "outcome": outcome.value if outcome else "running",
        "cause": trial.user_attrs.get("cause", ""),
        "score": _ABSENT if score is None else f"{score:.5g}",
        "validations": len(trial.intermediate_values),
        "seconds": _ABSENT if seconds is None else f"{seconds:.1f}",
        "params": ", ".join(f"{name}={show_value(value)}" for name, value in trial.params.items()),
    }


def _definition(ledger: Ledger) -> str:
    data = ledger.definition.to_data()
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(
        {key: data[key] for key in data if key != "space" and data[key] is not None}, text
    )
    return text.getvalue()
