"""Putting a report together: its sections as one HTML page that needs nothing else."""

import base64
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import jinja2

from studies.analysis.observations.region import in_words as region_in_words
from studies.report.drawing.figure_files import write_figures
from studies.report.drawing.svg import draw_svg
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
        draw=draw_svg,
        address=as_address,
        kind=lambda part: type(part).__name__,
    )
    progress(1.0)
    return page, material.proposal


def as_address(text: str) -> str:
    """Put a text into an address, so that a link saves it as a file without any server."""
    return "data:text/yaml;base64," + base64.b64encode(text.encode("utf-8", "replace")).decode()
