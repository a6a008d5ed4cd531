"""Putting a report together: what was found in plain words, the figures, the table of trials."""

import base64
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go

from search_spaces.space.describe import show_conditions, show_value
from search_spaces.space.nodes import Float, Int, Value
from search_spaces.space.parameters import Parameter, options, parameters
from studies.definition.yaml_text import yaml_text
from studies.report.analysis_part import analysis_part
from studies.report.figures import axis_of_trials, curves_figure, progress_figure, slice_figure
from studies.report.investigation import Investigation, investigate
from studies.report.next_study import NextStudy, next_study
from studies.report.subject import Subject
from studies.trials.difference import differences
from studies.trials.outcomes import Outcome, count_name, in_words
from studies.trials.record import TrialRecord

_ABSENT = "-"
_SHARE_OF_ANALYSIS = 0.9  # of the time that a report takes


def write_report(
    subject: Subject,
    path: Path,
    *,
    progress: Callable[[float], None] = lambda _: None,
    found: Investigation | None = None,
) -> NextStudy | None:
    """Write the report of a study to `path` as one HTML file that needs nothing else, offline as well.

    What was `found` in the study is investigated here unless it is given.
    """
    page, proposal = render_report(subject, progress=progress, found=found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return proposal


def render_report(
    subject: Subject,
    *,
    progress: Callable[[float], None] = lambda _: None,
    found: Investigation | None = None,
) -> tuple[str, NextStudy | None]:
    """Render the report of a study as HTML, with the study that it proposes to run next."""
    trials, best = subject.trials, subject.best
    if found is None:
        found = investigate(subject, progress=lambda done: progress(_SHARE_OF_ANALYSIS * done))
    ended = [trial.outcome for trial in trials]
    axis = axis_of_trials(trials, subject.metric, minimizes=subject.minimizes)
    figures = _Figures()
    tried = [
        parameter
        for parameter in parameters(subject.space)
        if _varies(parameter) and any(parameter.name in trial.values for trial in trials)
    ]
    history = None if found.views is None else found.views.history
    proposal = _proposal(subject, found)
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string((files("studies.report") / "template.html").read_text(encoding="utf-8"))
    page = template.render(
        subject=subject,
        direction="minimized" if subject.minimizes else "maximized",
        best=best,
        counts=in_words({count_name(outcome): ended.count(outcome) for outcome in Outcome}),
        running=subject.running,
        found=analysis_part(subject, found, figures.add),
        reason=found.reason,
        differences=_differences(subject, best),
        progress=figures.add(progress_figure(trials, axis, history)),
        curves=figures.add(curves_figure(trials, subject.metric, best, minimizes=subject.minimizes)),
        slices=[
            (p.name, _existence(p, trials), figures.add(slice_figure(trials, p, axis, best))) for p in tried
        ],
        proposal=proposal,
        download=None if proposal is None else _address(proposal.text),
        trials=[_row(trial) for trial in trials],
        definition=_definition(subject),
    )
    progress(1.0)
    return page, proposal


class _Figures:
    """Figures as HTML; the first one carries the drawing library for all."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, figure: go.Figure) -> str:
        """Give a figure as HTML."""
        self._count += 1
        config = {"displayModeBar": False, "responsive": True}
        return str(figure.to_html(full_html=False, include_plotlyjs=self._count == 1, config=config))


def _proposal(subject: Subject, found: Investigation) -> NextStudy | None:
    if subject.definition is None:
        return None
    best = None if subject.best is None else subject.best.values
    return next_study(subject.definition, found.views, best)


def _address(text: str) -> str:
    """Put a text into an address, so that a link saves it as a file without any server."""
    return "data:text/yaml;base64," + base64.b64encode(text.encode()).decode()


def _differences(subject: Subject, best: TrialRecord | None) -> list[tuple[str, str, str]]:
    if best is None:
        return []
    if subject.definition is None:
        return [(name, _ABSENT, _shown(value)) for name, value in best.values.items()]
    return [
        (row.name, _shown(row.default), _shown(row.value)) for row in differences(subject.space, best.values)
    ]


def _shown(value: Value | None) -> str:
    return _ABSENT if value is None else show_value(value)


def _varies(parameter: Parameter) -> bool:
    node = parameter.node
    return node.low < node.high if isinstance(node, Float | Int) else len(options(node)) > 1


def _existence(parameter: Parameter, trials: Any) -> str:
    count = sum(parameter.name in trial.values for trial in trials)
    when = f", when {show_conditions(parameter)}" if parameter.conditions else ""
    return f"{count} trial{'s' if count > 1 else ''}{when}"


def _row(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "outcome": trial.outcome.value if trial.outcome else "running",
        "cause": trial.cause or "",
        "score": _ABSENT if trial.shown_score is None else f"{trial.shown_score:.5g}",
        "validations": len(trial.curve),
        "seconds": _ABSENT if trial.seconds is None else f"{trial.seconds:.1f}",
        "params": ", ".join(f"{name}={_shown(value)}" for name, value in trial.values.items()),
    }


def _definition(subject: Subject) -> str | None:
    if subject.definition is None:
        return None
    data: Mapping[str, Any] = subject.definition.to_data()
    return yaml_text({key: data[key] for key in data if key != "space" and data[key] is not None})
