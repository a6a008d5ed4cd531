"""Whether the best trials are the best on fresh seeds too: a study of its own that trains each of them again.

The best of many noisy scores owes part of its rank to luck, the more of it the more trials there were. So
the few best are trained on seeds that they have never seen, and ranked by the mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean, stdev

from optuna.trial import TrialState

from studies.database.open import Database
from studies.definition.changes import first_change
from studies.definition.study import StudyDefinition
from studies.errors import UnknownTrial
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.running.repeats import Repeats
from studies.trials.record import TrialRecord

SUFFIX = "-confirmed"  # of the study that repeats the best trials of another
CONFIRMING = Repeats(SUFFIX, 10, lambda there: bool(there.candidates), "confirms no other")


@dataclass(frozen=True)
class Candidate:
    """One of the best trials, trained again.

    `trial` is it, `repeats` are the trials on fresh seeds that have ended, `scores` theirs, infinitely bad
    for one that diverged or had no score.
    """

    trial: TrialRecord
    repeats: Sequence[TrialRecord]
    scores: Sequence[float]

    @property
    def mean(self) -> float:
        """The mean score on fresh seeds."""
        return fmean(self.scores)

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the fresh seeds; None for fewer than two, or where one diverged."""
        return stdev(self.scores) if len(self.scores) > 1 and abs(self.mean) < inf else None


@dataclass(frozen=True)
class Recommendation:
    """The trial that a study recommends.

    `trial` is one of `ledger`: of the study itself, or, where its best were confirmed, the best repeat of
    the winning `candidate` in the study that repeats them.
    """

    ledger: Ledger
    trial: TrialRecord
    candidate: Candidate | None = None

    @property
    def original(self) -> TrialRecord:
        """The trial of the study itself."""
        return self.trial if self.candidate is None else self.candidate.trial


def confirm(ledger: Ledger, *, top: int, seeds: int) -> Ledger:
    """Make the study that trains the `top` best trials on `seeds` fresh seeds each, or go on with it.

    One that repeats other trials, because the study has found better ones since, is replaced.

    Raises:
        UnknownTrial: the study has no completed trial.
    """
    best = ledger.ranked()[:top]
    if not best:
        raise UnknownTrial(
            f"The study {ledger.name!r} has no completed trial yet, so there is none to confirm."
        )
    return CONFIRMING.make(ledger.database, _repeating(ledger, best, seeds))


def _repeating(ledger: Ledger, best: Sequence[TrialRecord], seeds: int) -> StudyDefinition:
    candidates = [{"trial": trial.number, "values": trial.values} for trial in best]
    return CONFIRMING.definition(ledger, candidates, seeds=seeds)


def confirmed(ledger: Ledger) -> list[Candidate]:
    """Give the best trials by their mean on fresh seeds, the best first.

    None where they were not trained again to the end, or where the study has found better ones since.
    """
    repeating = confirming(ledger.database, ledger.name)
    if repeating is None:
        return []
    best = ledger.ranked()[: repeating.definition.turn]
    ended = repeating.records(TrialState.COMPLETE, TrialState.PRUNED)
    return confirmed_by(ledger, best, repeating, ended)


def confirmed_by(
    ledger: Ledger, best: Sequence[TrialRecord], repeating: Ledger, ended: Sequence[TrialRecord]
) -> list[Candidate]:
    """Do as `confirmed` with what was read already.

    Args:
        ledger: the study.
        best: its best trials, the best first, as many as are repeated.
        repeating: the study that repeats them.
        ended: the trials of that study that ended complete or pruned.
    """
    if first_change(repeating.definition, _repeating(ledger, best, seeds=1)):
        return []
    budget = repeating.slots.budget()
    if budget.done < budget.total:
        return []
    worst = inf if ledger.minimizes else -inf
    candidates = []
    for place, trial in enumerate(best):
        repeats = [repeat for repeat in ended if (repeat.slot or 0) % len(best) == place]
        scores = [worst if repeat.score is None else repeat.score for repeat in repeats]
        candidates.append(Candidate(trial, repeats, scores))
    return sorted(candidates, key=lambda candidate: candidate.mean * (1.0 if ledger.minimizes else -1.0))


def confirming(database: Database, name: str) -> Ledger | None:
    """Open the study that repeats the best trials of the study `name`, if there is one."""
    return CONFIRMING.find(database, name)


def chosen(ledger: Ledger) -> Recommendation | None:
    """Give the trial that a study recommends: the winner on fresh seeds, else the one with the best score."""
    for candidate in confirmed(ledger)[:1]:
        sign = 1.0 if ledger.minimizes else -1.0
        repeat, score = min(
            zip(candidate.repeats, candidate.scores, strict=True), key=lambda pair: sign * pair[1]
        )
        if abs(score) < inf:
            return Recommendation(open_ledger(ledger.database, ledger.name + SUFFIX), repeat, candidate)
    best = ledger.best()
    return None if best is None else Recommendation(ledger, best)
