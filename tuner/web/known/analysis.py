"""What an analysis of a study finds, as our pages and optuna-dashboard show it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import plotly.graph_objects as go

from studies.database.identity import LEDGER
from studies.database.open import open_database
from studies.errors import CopiedStudy
from studies.ledger.opening import find_study, ledger_of
from studies.report.drawing.figure_files import named_figures
from studies.report.drawing.figures import thinned
from studies.report.drawing.svg import draw_svg
from studies.report.investigation import investigate
from studies.report.parts import Bars, Figure, Grid, Part
from studies.report.section import Material, all_sections, shown
from studies.report.sections import curves, progress, trials
from studies.report.sections.decisions import in_short
from studies.report.subject import subject_of_ledger, subject_of_study
from tuner.web.beside.drawing import drawn_figures

DRAWN = 1500  # trials that the figures of a section show
_WIDTH, _HALF, _THIRD = 760, 480, 320  # pixels of a figure alone, and beside others
_SHOWN_ABOVE = (curves.TITLE, progress.TITLE, trials.TITLE, in_short.TITLE)  # by the page of the study itself
# optuna-dashboard sends all figures with every answer, in pieces that it puts together for each trial.
_LARGEST, _MOST = 150_000, 12  # characters of a figure, and how many figures


@dataclass(frozen=True)
class Drawn:
    """A figure of a section as SVG."""

    svg: str
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class DrawnGrid:
    """Figures side by side."""

    figures: Sequence[Drawn]
    is_wide: bool = False


ShownPart = Part | Drawn | DrawnGrid


@dataclass(frozen=True)
class Analysis:
    """What is known of a study with so many told trials and `repeats` of the best on fresh seeds.

    Attributes:
        told, repeats: of how many trials it is.
        sections: those of the report, each with its title, for our pages.
        short: the section that answers in short.
        verdict: what mattered, in sentences.
        figures: those of the report that are small enough for optuna-dashboard, as the system attributes by
            which it shows them.
        trouble: says in a sentence why there is none of this.
        seconds, made: how long it took, and when it was made, by the monotonic clock.
    """

    told: int = 0
    repeats: int = 0
    sections: Sequence[tuple[str, Sequence[ShownPart]]] = ()
    short: Sequence[ShownPart] = ()
    verdict: Sequence[str] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    trouble: str | None = None
    seconds: float = 0.0
    made: float = 0.0


def analyse(url: str, name: str) -> Analysis:
    """Analyse a study as its report does, and draw what each section shows.

    Raises:
        UnknownStudy, UnusableStudy: it is gone, or damaged.
    """
    database = open_database(url, reading=True)
    study = find_study(database, name)
    try:
        is_ours = LEDGER in study.user_attrs
        subject = subject_of_ledger(ledger_of(database, study)) if is_ours else subject_of_study(study)
    except CopiedStudy:
        subject = subject_of_study(study)
    found = investigate(subject, progress=lambda _: None)
    drawn = replace(subject, trials=thinned(subject.trials, minimizes=subject.minimizes, most=DRAWN))
    made = list(shown(Material(drawn, found), all_sections()))
    return Analysis(
        sections=[(title, list(_as_svg(parts))) for title, parts in made if title not in _SHOWN_ABOVE],
        short=[part for title, parts in made if title == in_short.TITLE for part in _as_svg(parts)],
        verdict=found.verdict,
        figures=drawn_figures(database.storage, name, _small(named_figures(made))),
    )


def _as_svg(parts: Sequence[Part]) -> Iterator[ShownPart]:
    for part in parts:
        if isinstance(part, Figure):
            yield Drawn(draw_svg(part.figure, _WIDTH), part.title, part.note)
        elif isinstance(part, Grid):
            width = _HALF if part.is_wide else _THIRD
            figures = [Drawn(draw_svg(one.figure, width), one.title, one.note) for one in part.figures]
            yield DrawnGrid(figures, part.is_wide)
        else:
            yield part


def _small(figures: Iterable[tuple[str, go.Figure | Bars]]) -> Mapping[str, go.Figure]:
    """Choose the figures that optuna-dashboard is given, each with its name as its title."""
    found: dict[str, go.Figure] = {}
    for name, figure in figures:
        if isinstance(figure, go.Figure) and len(found) < _MOST:
            figure.update_layout(title=name.replace("-", " "), width=None)
            if len(figure.to_json() or "") <= _LARGEST:
                found[name] = figure
    return found
