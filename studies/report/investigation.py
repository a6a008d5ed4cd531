"""The analysis behind a report, or the reason why there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studies.analysis.errors import NothingToAnalyse
from studies.analysis.observations.of_study import StudyAnalysis, analyse
from studies.analysis.views import Views, views_of
from studies.analysis.words import verdict_in_words
from studies.report.subject import Subject


@dataclass(frozen=True, eq=False)
class Investigation:
    """What the analysis says of a study; without one, `reason` is the sentence that says why."""

    analysis: StudyAnalysis | None
    views: Views | None
    reason: str

    @property
    def verdict(self) -> tuple[str, ...]:
        """What mattered, in a few sentences; the reason where there is no analysis."""
        if self.analysis is None or self.views is None:
            return (self.reason,)
        return verdict_in_words(self.analysis, self.views)


def investigate(
    subject: Subject, *, progress: Callable[[float], None], asked: Sequence[tuple[str, str]] = ()
) -> Investigation:
    """Analyse a study and look at it from every side, if it has enough trials.

    Args:
        subject: the study.
        progress: is told the fraction done.
        asked: pairs that are looked at whether the trials show them or not.

    Raises:
        NothingToAnalyse: the part of the space that was asked for has too few trials, or no such pair.
    """
    try:
        found = analyse(subject.study, objective=subject.objective, where=subject.where, progress=progress)
    except NothingToAnalyse as error:
        if subject.where or asked:
            raise
        return Investigation(None, None, str(error))
    best = None if subject.best is None else subject.best.values
    views = views_of(found, subject.space, best, declared=subject.definition is not None, asked=asked)
    return Investigation(found, views, "")
