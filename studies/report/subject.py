"""What a report is about: a study of ours with its slots and definition, or one that plain Optuna made."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, sqrt

from optuna.study import Study, StudyDirection
from scipy.stats import t as student

from search_spaces.space.nodes import Group
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.observations.of_study import metric_of, objective_of, space_of, trials_of
from studies.analysis.observations.region import Where, holds, within
from studies.database.identity import DEFINITION, VERSION
from studies.definition.study import StudyDefinition
from studies.ledger.absent import as_lost
from studies.ledger.ledger import Ledger
from studies.report.sharpness import Contender, Sharpness, contenders
from studies.report.tested import TestScores, test_scores
from studies.running.confirmation import Candidate, chosen, confirmed
from studies.trials.record import TrialRecord


@dataclass(frozen=True)
class Subject:
    """A study as its report shows it.

    `definition`, `slots` and how many of them are `spent` are None for a study that plain Optuna made; its
    `space` is inferred from its trials. `objective` is which of several the report is about. `candidates` are
    the best trials by their mean on fresh seeds, where they were trained again, `tested` what the test
    part says of the best one, and `sharpness` what was measured around the weights of the best.
    `where` is the part of the space that it keeps to.
    """

    study: Study
    name: str
    metric: str
    minimizes: bool
    trials: Sequence[TrialRecord]
    space: Group
    objective: int | None
    definition: StudyDefinition | None
    slots: int | None
    version: str | None
    candidates: Sequence[Candidate] = ()
    spent: int | None = None
    tested: TestScores = field(default_factory=lambda: TestScores({}))
    sharpness: Sequence[tuple[Contender, Sharpness]] = ()
    where: Where = field(default_factory=dict)

    @property
    def best(self) -> TrialRecord | None:
        """The winner on fresh seeds, else the first of the completed trials with the best score in limits."""
        if self.candidates:
            return self.candidates[0].trial
        completed = [trial for trial in self.trials if trial.score is not None and not trial.broken]
        sign = 1.0 if self.minimizes else -1.0
        return min(completed, key=lambda trial: sign * (trial.score or 0.0), default=None)

    @property
    def level(self) -> str | None:
        """Say which candidates the first one does not clearly beat on fresh seeds, in a sentence."""
        return level_in_words(self.candidates)

    @property
    def running(self) -> int:
        """How many trials run."""
        return sum(trial.outcome is None for trial in self.trials)

    def within(self, where: Where) -> "Subject":
        """Keep to a part of the space, and to the trials in it.

        Raises:
            UnknownParameter, NothingToAnalyse: there is no such part.
        """
        if not where:
            return self
        part = replace(
            self,
            trials=[trial for trial in self.trials if holds(where, trial.values)],
            candidates=[each for each in self.candidates if holds(where, each.trial.values)],
            space=within(self.space, where),
            where=where,
        )
        is_same = part.best is not None and self.best is not None and part.best.number == self.best.number
        return part if is_same else replace(part, tested=TestScores({}), sharpness=())


def level_in_words(candidates: Sequence[Candidate]) -> str | None:
    """Name the candidates whose means on fresh seeds do not differ clearly from that of the first."""
    level = [str(other.trial.number) for other in candidates[1:] if not _is_apart(candidates[0], other)]
    if not level:
        return None
    trials = f"trial {level[0]}" if len(level) == 1 else f"trials {' and '.join(level)}"
    return (
        f"The fresh seeds do not tell trial {candidates[0].trial.number} from {trials}: the difference of "
        "their means is within the noise."
    )


def _is_apart(one: Candidate, other: Candidate) -> bool:
    """Say whether two means differ by more than a 90 % interval allows; of single runs nothing is known."""
    if isfinite(one.mean) != isfinite(other.mean):
        return True
    if one.deviation is None or other.deviation is None:
        return False
    error = sqrt(one.deviation**2 / len(one.scores) + other.deviation**2 / len(other.scores))
    degrees = len(one.scores) + len(other.scores) - 2
    return abs(one.mean - other.mean) > float(student.ppf(0.95, degrees)) * error


def subject_of_study(study: Study, objective: int | None = None) -> Subject:
    """Take a study of the database, whoever made it.

    Raises:
        SeveralObjectives: it has several and none was chosen, or there is none of that number.
    """
    objective = objective_of(study, objective)
    definition = study.user_attrs.get(DEFINITION)
    try:
        space = space_of(study)
    except NothingToAnalyse:
        space = Group()  # no trial of a study that plain Optuna made has ended
    return Subject(
        study=study,
        name=study.study_name,
        metric=metric_of(study, objective),
        minimizes=study.directions[objective or 0] is StudyDirection.MINIMIZE,
        trials=[TrialRecord.of(trial) for trial in trials_of(study, objective)],
        space=space,
        objective=objective,
        definition=None if definition is None else StudyDefinition.from_data(definition),
        slots=None,
        version=study.user_attrs.get(VERSION),
    )


def subject_of_ledger(ledger: Ledger) -> Subject:
    """Take a study of ours, with its slots."""
    budget, candidates = ledger.slots.budget(), confirmed(ledger)
    lost = {left.trial.number: TrialRecord.of(as_lost(left)) for left in ledger.left()}
    subject = subject_of_study(ledger.study)
    trials = [lost.get(trial.number, trial) for trial in subject.trials]
    choice = chosen(ledger)
    tested = TestScores({}) if choice is None else test_scores(choice)
    measured = [(contender, contender.sharpness()) for contender in contenders(ledger)]
    return replace(
        subject,
        trials=trials,
        slots=budget.total,
        spent=budget.done,
        candidates=candidates,
        tested=tested,
        sharpness=[(contender, found) for contender, found in measured if found is not None],
    )
