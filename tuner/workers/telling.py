"""Telling the ledger how a training ended; what cannot be told now is kept, and told at the next start."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from search_spaces.errors import first_line
from studies.database.failures import is_of_database
from studies.database.retry import Hurry, hurried
from studies.errors import StorageError
from studies.ledger.control import FAILING
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.running.ended import EndedTrial, kept_trials
from studies.running.error_limit import is_failing
from studies.running.telling import ended, tell_ended
from studies.running.trial import RunningTrial
from studies.trials.attributes import CAUSE, KILLED, METRICS, TRACEBACK
from studies.trials.outcomes import EFFECTS, Outcome
from tuner.errors import DatabaseAway, NotAllowed, StudyStopped
from tuner.training.ends import End, Ending, Fault, Fit, Raised, TimedOut, Vanished
from tuner.workers.desk import UNTOLD, Desk
from tuner.workers.events import ShownTrial, TrialEnded, View
from tuner.workers.processes.interruption import EndedAtOnce

ANSWER = 5.0  # seconds that a worker which is to end waits for a database that is away
KILLS = 3  # of the training processes of one slot, before somebody is told that they are no accidents

_OUTCOMES = {
    Ending.COMPLETED: Outcome.COMPLETED,
    Ending.STOPPED: Outcome.PRUNED,
    Ending.PAUSED: Outcome.PAUSED,
    Ending.DIVERGED: Outcome.DIVERGED,
    Ending.INFEASIBLE: Outcome.INFEASIBLE,
    Ending.INTERRUPTED: Outcome.PREEMPTED,
}
_ERRORS = {
    Fault.CODE: Outcome.FAILED,
    Fault.MEMORY: Outcome.OUT_OF_MEMORY,
    Fault.DISK: Outcome.DISK_FULL,
    Fault.DATA: Outcome.UNREADABLE,
}


@dataclass(frozen=True)
class Teller:
    """Tells the ledger, and whoever watches, how the trials of one worker ended.

    A worker that is to end, because `stop` is set, waits no longer than `grace` for a database that is away.
    """

    ledger: Ledger
    view: View
    desk: Desk
    stop: threading.Event
    grace: float

    def tell(self, running: RunningTrial, end: End) -> None:
        """Tell how a training ended.

        Raises:
            StudyStopped: it and some before it ended with an error in the user's code.
            NotAllowed: it named what the permit refuses; its slot is free again, as it was.
            DatabaseAway: the database cannot be told; the end is kept in a file.
        """
        match end:
            case Fit(ending=Ending.COMPLETED, score=None):
                cause = "ValueError: the fit ended without a single validation, so it has no score"
                self._tell_error(running, Raised(cause, "", Fault.CODE, 0.0))
            case Fit():
                self._tell_fit(running, end)
            case Raised(fault=Fault.REFUSED):
                self._tell_ended(running, Outcome.PREEMPTED, None, {CAUSE: end.cause})
                raise NotAllowed(end.cause.removeprefix(f"{NotAllowed.__name__}: "))
            case Raised():
                self._tell_error(running, end)
            case TimedOut():
                self._tell_ended(running, Outcome.TIMED_OUT, None, {CAUSE: end.cause})
            case Vanished(out_of_memory=True):
                self._tell_ended(running, Outcome.OUT_OF_MEMORY, None, {CAUSE: end.cause})
            case Vanished():
                if end.killed and _kills(self.ledger, running.slot) < KILLS - 1:
                    self._tell_ended(running, Outcome.LOST, None, {CAUSE: end.cause, KILLED: True})
                else:
                    self._tell_error(running, Raised(f"ChildProcessError: {end.cause}", "", Fault.CODE, 0.0))

    def _tell_fit(self, running: RunningTrial, end: Fit) -> None:
        facts = {**end.facts, **({CAUSE: end.cause} if end.cause else {})}
        facts |= {METRICS: dict(end.metrics)} if end.metrics else {}
        if end.kept is not None:
            try:
                facts |= self.desk.weights().keep(running.number)
            except OSError as error:
                cause = f"{type(error).__name__}: its weights cannot be kept: {error}"
                self._tell_error(running, Raised(cause, "", Fault.DISK, 0.0))
                return
        self._tell_ended(running, _OUTCOMES[end.ending], end.score, facts)
        if end.kept is not None:
            self.desk.weights().collect()

    def _tell_ended(
        self, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
    ) -> bool:
        end = ended(self.ledger, running, outcome, score, facts)
        kept: list[Path] = []

        def keep() -> None:
            kept[:] = [end.keep(self.desk.folder.absolute() / UNTOLD)]

        hurry = Hurry(self.stop, min(self.grace, ANSWER), keep)
        try:
            with hurried(hurry):
                told = tell_ended(self.ledger, end, running.trial.study)
        except EndedAtOnce:
            sentence = "" if not kept else self._untold(end, "it does not answer", kept[0])
            raise (EndedAtOnce(f"Interrupted. {sentence}") if sentence else EndedAtOnce()) from None
        except Exception as error:
            if is_of_database(error) or isinstance(error, StorageError):
                keep()
                raise DatabaseAway(self._untold(end, first_line(error), kept[0])) from error
            for path in kept:
                path.unlink(missing_ok=True)
            raise
        for path in kept:
            path.unlink(missing_ok=True)
        if not told:
            return False  # another worker has its slot
        self.view(TrialEnded(ShownTrial.of(running), outcome, score))
        if not EFFECTS[outcome].goes_on:
            self.desk.checkpoint_files().collect(running.slot.number)
        return True

    def _untold(self, end: EndedTrial, reason: str, kept: Path) -> str:
        """Say that the end of a trial could not be told, and what becomes of it."""
        score = "" if end.score is None else f", {end.score:.6g}"
        return (
            f"The database cannot be told how trial {end.number} of {self.ledger.name!r} ended "
            f"({end.outcome.value}{score}): {reason}; that is kept in {kept}, and the next worker that "
            f"starts with this folder tells it."
        )

    def tell_kept(self) -> None:
        """Tell how trials ended that no database could be told; one whose slot was given away is dropped."""
        for path, end in kept_trials(self.desk.folder.absolute() / UNTOLD, self.ledger.slots.ledger):
            told = tell_ended(self.ledger, end)
            path.unlink(missing_ok=True)
            if told:
                trial = self.ledger.trial(end.number)
                shown = ShownTrial(end.number, trial.params, time.monotonic())
                self.view(TrialEnded(shown, end.outcome, end.score))

    def _tell_error(self, running: RunningTrial, raised: Raised) -> None:
        facts = {CAUSE: raised.cause, TRACEBACK: raised.traceback}
        if not self._tell_ended(running, _ERRORS[raised.fault], None, facts):
            return
        if alike := is_failing(self.ledger):
            self.ledger.slots.control.stop(FAILING)
            raise StudyStopped(
                f"The study {self.ledger.name!r} is stopped: its last {alike} trials ended with an error, "
                f"the last with {raised.cause}; mend it and give the same command again.",
                raised.traceback,
            )


def _kills(ledger: Ledger, slot: Slot) -> int:
    """Count the attempts at a slot whose training process was killed."""
    return sum(trial.slot == slot.number and trial.is_killed for trial in ledger.records(TrialState.FAIL))
