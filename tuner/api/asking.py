"""The part of a study by which a program trains the trials itself: ask, report, tell."""

import os
import time
import traceback
import weakref
from collections.abc import Mapping
from typing import Any

from studies.definition.study_file import suggestion
from studies.ledger.control import FAILING
from studies.ledger.fleet.workers import worker_name
from studies.ledger.ledger import Ledger
from studies.running.asking import ask
from studies.running.error_limit import is_failing
from studies.running.pausing import close_paused
from studies.running.telling import tell
from studies.running.trial import pruner_of
from studies.trials.attributes import CAUSE, METRICS, TRACEBACK
from studies.trials.outcomes import Outcome
from tuner.api.asked import AskedTrial, as_score
from tuner.errors import Refused
from tuner.workers.worker import WAIT

# A program cannot leave a checkpoint that somebody else goes on from.
_NAMES = {outcome.value: outcome for outcome in Outcome if outcome is not Outcome.PAUSED}


class Asking:
    """Trials that are trained by whoever asks for them, in the study's slots, beside its workers if any.

    Attributes:
        ledger: what the database holds of the study.
    """

    def __init__(self, ledger: Ledger, url: str) -> None:
        """Take a study whose ledger is open in the database at `url`."""
        self.ledger, self.url = ledger, url
        self._asked: weakref.WeakSet[AskedTrial] = weakref.WeakSet()

    def ask(self) -> AskedTrial | None:
        """Give the next trial; None where the study takes none, or this object holds the last ones.

        While others hold the last slots it waits, since they may give them back.

        Raises:
            NoSuggestion: the study's sampler or space gives no values.
            Refused: its workers train each trial several times, or it is repeatable and its next trial is
                chosen by one that this object holds.
        """
        if self.ledger.definition.settings.repeats is not None:
            raise Refused(
                f"The study {self.ledger.name!r} trains each trial several times (study.repeats), which its "
                "workers do; call Study.run, or leave repeats out and tell the mean of your own trainings."
            )
        self.ledger.study.pruner = pruner_of(self.ledger)
        while True:
            running = ask(self.ledger, worker_name(os.getpid()))
            if running is not None:
                trial = AskedTrial(self, running)
                self._asked.add(trial)
                return trial
            held = {trial.slot: trial.number for trial in self._asked if trial.told is None}
            if self.ledger.over() or (held and not self._waits_for_others(held)):
                return None
            if close_paused(self.ledger):  # of workers that were here before
                continue
            time.sleep(WAIT)

    def _waits_for_others(self, held: Mapping[int, int]) -> bool:
        """Say whether the next trial of a repeatable study waits for others' ends; refuse if for ours.

        `held` are the numbers of the trials that this object holds, by slot.
        """
        window = self.ledger.definition.settings.repeatable
        if window is None or not self.ledger.slots.budget().open:
            return False
        first = min(self.ledger.slots.held(), default=-1)
        if first in held:
            raise Refused(
                f"The study {self.ledger.name!r} is repeatable: {window}, so a trial is chosen by how those "
                f"{window} and more slots before it ended; tell trial {held[first]} before you ask again."
            )
        return True

    def tell(self, trial: AskedTrial, score: float | None = None, *, outcome: str | None = None) -> None:
        """Say how a trial ended, which spends its slot or frees it.

        Args:
            trial: as `ask` has given it.
            score: what it scored; by default what follows from its reports.
            outcome: how it ended, such as `"diverged"`, `"failed"` or `"pruned"`; by default as its reports
                say, and `"completed"` where there is a score. One that diverged is neither completed nor
                pruned, whatever is said.

        Raises:
            Refused: the trial is none, was told before, is of another study, has no score, or lacks a metric
                that the study keeps, or has one that is no number; nothing is changed.
            Refused: its slot was given to another worker meanwhile.
        """
        if not isinstance(trial, AskedTrial):
            raise Refused(
                f"Study.tell takes a trial as Study.ask has given it, but got {trial!r}; ask gives None "
                "where no slot is free."
            )
        if trial.ledger.slots.ledger != self.ledger.slots.ledger:
            raise Refused(
                f"Trial {trial.number} is one of {trial.ledger.name!r}, and this study is "
                f"{self.ledger.name!r}; tell it to its own."
            )
        trial.refuse_told()
        measured = trial.measured()
        told = self._outcome(trial, score, outcome)
        value = None
        if told is Outcome.COMPLETED:
            value = trial.score if score is None else as_score(score)
            if value is None:
                raise Refused(
                    f"Trial {trial.number} has no score; give one, Study.tell(trial, score), or report some "
                    "before."
                )
            if missing := [name for name in trial.kept if name not in measured]:
                raise Refused(
                    f"Trial {trial.number} has no {missing[0]!r}, which study.keep_metrics or study.limits "
                    f"names; give it before you tell: trial.metrics[{missing[0]!r}] = ..."
                )
        facts: dict[str, Any] = {CAUSE: trial.diverged} if trial.diverged else {}
        self._tell(trial, told, value, {**facts, METRICS: measured} if measured else facts)

    def tell_end(self, trial: AskedTrial, error: BaseException | None) -> None:
        """Say that the block ended that trained a trial, by an error if there is one."""
        match error:
            case None:
                self.tell(trial)
            case MemoryError():
                self._tell(trial, Outcome.OUT_OF_MEMORY, None, _facts(error))
            case Exception():
                self._tell(trial, Outcome.FAILED, None, _facts(error))
                if is_failing(self.ledger):
                    self.ledger.slots.control.stop(FAILING)
            case _:  # somebody ends the program
                self._tell(trial, Outcome.PREEMPTED, None, {CAUSE: type(error).__name__})

    def _outcome(self, trial: AskedTrial, score: float | None, outcome: str | None) -> Outcome:
        told = Outcome.COMPLETED if score is not None else trial.outcome()
        if outcome is not None:
            if outcome not in _NAMES:
                raise Refused(f"outcome: {outcome!r} is none; {suggestion(str(outcome), list(_NAMES))}")
            if score is not None and _NAMES[outcome] is not Outcome.COMPLETED:
                raise Refused(f"A trial that ended as {outcome} has no score; leave out one of the two.")
            told = _NAMES[outcome]
        if score is not None:
            trial.judge(score)
        is_denied = told in (Outcome.COMPLETED, Outcome.PRUNED) and trial.outcome() is Outcome.DIVERGED
        return Outcome.DIVERGED if is_denied else told

    def _tell(
        self, trial: AskedTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
    ) -> None:
        shown = outcome.value if score is None else f"{outcome.value} with {score:.6g}"
        running = trial.release(shown)
        is_kept = tell(self.ledger, running, outcome, score, facts)
        self.ledger.slots.workers.leave(running.slot.worker)
        if not is_kept:
            raise Refused(
                f"Trial {trial.number} of {self.ledger.name!r} was given to another worker, because this "
                "process had not renewed its slot for a minute; how it ended is not kept."
            )


def _facts(error: BaseException) -> dict[str, str]:
    cause = f"{type(error).__name__}: {error}"
    return {CAUSE: cause, TRACEBACK: "".join(traceback.format_exception(error))}
