"""The analysis behind a report, or the reason why there is none."""

from collections.abc import Callable
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


def investigate(subject: Subject, *, progress: Callable[[float], None]) -> Investigation:
    """Analyse a study and look at it from every side, if it has enough trials."""
    try:
        found = analyse(subject.study, objective=subject.objective, progress=progress)
    except NothingToAnalyse as error:
        return Investigation(None, None, str(error))
    best = None if subject.best is None else subject.best.values
    views = views_of(found, subject.space, best, declared=subject.definition is not None)
    return Investigation(found, views, "")
