"""The worker: claim, ask, train, tell, until every slot of the study is spent."""

import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from studies.endings import is_failing
from studies.ledger import Ledger
from studies.outcomes import Outcome
from studies.slots import RENEWAL, Slot
from studies.steering import FAILING, PREEMPTED
from studies.trials import RunningTrial, ask, pruner_of, report, tell
from tuner.errors import StudyStopped
from tuner.training.fit import Ending, Fit, fit
from tuner.training.task import Task

WAIT = 1.0  # seconds between two looks for a slot while others hold the last ones

OUTCOMES = {
    Ending.COMPLETED: Outcome.COMPLETED,
    Ending.STOPPED: Outcome.PRUNED,
    Ending.DIVERGED: Outcome.DIVERGED,
    Ending.INTERRUPTED: Outcome.PREEMPTED,
}


class View(Protocol):
    """Whoever watches a worker."""

    def started(self, running: RunningTrial) -> None:
        """Hear of a trial that has begun."""

    def scored(self, running: RunningTrial, step: int, score: float) -> None:
        """Hear of one validation."""

    def ended(self, running: RunningTrial, outcome: Outcome, score: float | None) -> None:
        """Hear of a trial that has ended."""

    def waiting(self) -> None:
        """Hear that other workers hold the last slots."""


@dataclass(frozen=True)
class Worker:
    """One process that answers the trials of one study.

    `stop` is set to end: the running trial is given up at its next batch and its slot is freed. `folder`
    takes the checkpoint of the best trial.
    """

    ledger: Ledger
    view: View
    stop: threading.Event
    folder: Path

    def work(self, *, wait: bool = True) -> None:
        """Work until the study takes no new trial or `stop` is set.

        Args:
            wait: for slots that other workers hold and may give back; else leave when none is free.

        Raises:
            StudyStopped: several trials in a row ended with an error in the user's code.
        """
        while not self.stop.is_set():
            if self.work_once():
                continue
            if not wait or self.ledger.over() or not self.ledger.slots.budget().claimed:
                return
            self.view.waiting()
            self.stop.wait(WAIT)

    def work_once(self) -> bool:
        """Answer one trial; False where no slot is free now.

        Raises:
            StudyStopped: it and some before it ended with an error in the user's code.
        """
        self.ledger.study.pruner = pruner_of(self.ledger)
        running = ask(self.ledger, f"{socket.gethostname()}:{os.getpid()}")
        if running is not None:
            self._answer(running)
        return running is not None

    def _answer(self, running: RunningTrial) -> None:
        self.view.started(running)
        best = self.ledger.best()
        try:
            with _renewed(self.ledger, running.slot, self.stop):
                result = fit(
                    self._task(running, best.value if best else None), self._report(running), self.stop.is_set
                )
        except (StorageInternalError, SQLAlchemyError):
            raise  # the database is at fault, not the trial: its lease lapses, and the slot is tried again
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is an outcome
            self._tell_failed(running, error)
            return
        outcome = OUTCOMES[result.ending]
        if outcome is Outcome.COMPLETED and result.score is None:
            self._tell_failed(
                running, ValueError("the fit ended without a single validation, so it has no score")
            )
            return
        facts = {**result.facts, **({"cause": result.cause} if result.cause else {})}
        if tell(self.ledger, running, outcome, result.score, facts):
            self.view.ended(running, outcome, result.score)
            self._keep_only(result)

    def _task(self, running: RunningTrial, best: float | None) -> Task:
        settings = self.ledger.definition.settings
        return Task(
            configuration=running.configuration,
            seed=running.seed,
            metric=settings.metric,
            minimizes=self.ledger.minimizes,
            score=settings.score,
            diverged_beyond=settings.diverged_beyond,
            keep=self.folder / f"trial-{running.number}.ckpt",
            better_than=best,
            threads=settings.threads,
            facts=settings.facts,
        )

    def _report(self, running: RunningTrial) -> Callable[[int, float], bool]:
        def record(step: int, score: float) -> bool:
            self.view.scored(running, step, score)
            return report(running, step, score)

        return record

    def _tell_failed(self, running: RunningTrial, error: Exception) -> None:
        trace = "".join(traceback.format_exception(error))
        cause = f"{type(error).__name__}: {error}"
        if not tell(self.ledger, running, Outcome.FAILED, None, {"cause": cause, "traceback": trace}):
            return
        self.view.ended(running, Outcome.FAILED, None)
        if alike := is_failing(self.ledger):
            self.ledger.slots.steering.stop(FAILING)
            raise StudyStopped(
                f"The study {self.ledger.name!r} is stopped: its last {alike} trials ended with an error, "
                f"the last with {cause}; mend it and give the same command again.",
                trace,
            )

    def _keep_only(self, result: Fit) -> None:
        if result.kept is None:
            return
        best = self.ledger.best()
        for checkpoint in self.folder.glob("trial-*.ckpt"):
            if best is not None and checkpoint.name != f"trial-{best.number}.ckpt":
                checkpoint.unlink(missing_ok=True)


@contextmanager
def _renewed(ledger: Ledger, slot: Slot, stop: threading.Event) -> Iterator[None]:
    """Renew a slot's lease in a thread for as long as its trial runs; a study that is preempted stops it."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEWAL):
            try:
                ledger.slots.renew(slot)
                if ledger.slots.steering.stopped() == PREEMPTED:
                    stop.set()
            except SQLAlchemyError:
                continue  # a lease outlasts several renewals; the next one tries again

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
