"""The door of a report: a section takes what is known of a study, and gives the parts that it shows.

Each module of `studies.report.sections` and its folders has a `TITLE`, a `PLACE` in the order of the report,
and a function `parts`. One that raises says so in its place and hurts no other.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

from search_spaces.errors import first_line
from search_spaces.space.parameters import Parameter, parameters
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.views import Views
from studies.report import sections
from studies.report.drawing.axes import ScoreAxis
from studies.report.drawing.figures import axis_of_trials
from studies.report.investigation import Investigation
from studies.report.next_study import NextStudy, next_study
from studies.report.parts import Part, Words
from studies.report.subject import Subject


@dataclass(frozen=True)
class Material:
    """What is known of a study: the study itself, and what the analysis found in it."""

    subject: Subject
    found: Investigation

    @property
    def analysed(self) -> tuple[StudyAnalysis, Views] | None:
        """The analysis and its views; None where there is none."""
        analysis, views = self.found.analysis, self.found.views
        return None if analysis is None or views is None else (analysis, views)

    @cached_property
    def axis(self) -> ScoreAxis:
        """The axis that the scores of all trials share, from figure to figure."""
        subject = self.subject
        return axis_of_trials(subject.trials, subject.metric, minimizes=subject.minimizes)

    @cached_property
    def nodes(self) -> Mapping[str, Parameter]:
        """The parameters of the space by their names."""
        return {parameter.name: parameter for parameter in parameters(self.subject.space)}

    @cached_property
    def proposal(self) -> NextStudy | None:
        """The study to run next; None for a study that plain Optuna made, or for a part of a space."""
        if self.subject.definition is None or self.subject.where:
            return None
        best = None if self.subject.best is None else self.subject.best.values
        return next_study(self.subject.definition, self.found.views, best)


class Section(Protocol):
    """One section of a report."""

    TITLE: str
    PLACE: int

    @staticmethod
    def parts(material: Material) -> Sequence[Part]:
        """Give what the section shows; nothing where it has nothing to say."""


def all_sections() -> list[Section]:
    """Find the sections, in their order."""
    found = pkgutil.walk_packages(sections.__path__, f"{sections.__name__}.")
    modules = [importlib.import_module(each.name) for each in found if not each.ispkg]
    return sorted((cast("Section", module) for module in modules), key=lambda section: section.PLACE)


def shown(material: Material, of: Sequence[Section]) -> Iterator[tuple[str, Sequence[Part]]]:
    """Give the title and the parts of each section that has something to say."""
    for section in of:
        try:
            parts = section.parts(material)
        except Exception as error:  # noqa: BLE001 - a report without one section is better than none
            told = f"This part could not be made: {type(error).__name__}: {first_line(error)}."
            parts = [Words(told)]
        if parts:
            yield section.TITLE, parts
