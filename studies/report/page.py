"""Putting a report together: its sections as one HTML page that needs nothing else."""

import base64
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import jinja2
import plotly.graph_objects as go

from studies.analysis.observations.region import in_words as region_in_words
from studies.report.figure_files import write_figures
from studies.report.investigation import Investigation, investigate
from studies.report.next_study import NextStudy
from studies.report.section import Material, all_sections, shown
from studies.report.subject import Subject
from studies.trials.outcomes import Outcome, count_name, in_words

_SHARE_OF_ANALYSIS = 0.9  # of the time that a report takes


def write_report(
    subject: Subject,
    path: Path,
    *,
    progress: Callable[[float], None] = lambda _: None,
    found: Investigation | None = None,
    figures: Path | None = None,
) -> NextStudy | None:
    """Write the report of a study to `path` as one HTML file that needs nothing else, offline as well.

    What was `found` in the study is investigated here unless it is given. Into the folder `figures`, where
    one is named, each figure is written as a page of its own, and its numbers as CSV.
    """
    if found is None:
        found = investigate(subject, progress=lambda done: progress(_SHARE_OF_ANALYSIS * done))
    page, proposal = render_report(subject, progress=progress, found=found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    if figures is not None:
        write_figures(Material(subject, found), figures)
    return proposal


def render_report(
    subject: Subject,
    *,
    progress: Callable[[float], None] = lambda _: None,
    found: Investigation | None = None,
) -> tuple[str, NextStudy | None]:
    """Render the report of a study as HTML, with the study that it proposes to run next."""
    if found is None:
        found = investigate(subject, progress=lambda done: progress(_SHARE_OF_ANALYSIS * done))
    material = Material(subject, found)
    ended = [trial.outcome for trial in subject.trials]
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string((files("studies.report") / "template.html").read_text(encoding="utf-8"))
    page = template.render(
        subject=subject,
        best=subject.best,
        direction="minimized" if subject.minimizes else "maximized",
        region=region_in_words(subject.where),
        counts=in_words({count_name(outcome): ended.count(outcome) for outcome in Outcome}),
        sections=list(shown(material, all_sections())),
        draw=_Figures().add,
        address=_address,
        kind=lambda part: type(part).__name__,
    )
    progress(1.0)
    return page, material.proposal


class _Figures:
    """Figures as HTML; the first one carries the drawing library for all."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, figure: go.Figure) -> str:
        """Give a figure as HTML."""
        self._count += 1
        config = {"displayModeBar": False, "responsive": True}
        return str(figure.to_html(full_html=False, include_plotlyjs=self._count == 1, config=config))


def _address(text: str) -> str:
    """Put a text into an address, so that a link saves it as a file without any server."""
    return "data:text/yaml;base64," + base64.b64encode(text.encode()).decode()
