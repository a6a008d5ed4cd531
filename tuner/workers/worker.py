"""The worker: claim, ask, train, tell, until every slot of the study is spent."""

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from search_spaces.configuration import configure
from search_spaces.errors import first_line
from search_spaces.space.nodes import Value
from search_spaces.space.notation import to_data
from search_spaces.space.parameters import default_values
from studies.database.failures import is_of_database
from studies.database.retry import is_passing, persistently
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition
from studies.errors import StorageError
from studies.ledger.control import FAILING, PREEMPTED
from studies.ledger.ledger import Ledger
from studies.ledger.slots import Slot
from studies.ledger.workers import RENEWAL, worker_name
from studies.running.abandoned import settle_abandoned
from studies.running.asking import ask
from studies.running.ended import kept_trials
from studies.running.endings import is_failing, release
from studies.running.telling import ended, tell_ended
from studies.running.trial import RunningTrial, carry_on, measure, pruner_of, report
from studies.trials.attributes import ANEW, SLOT
from studies.trials.outcomes import EFFECTS, Outcome
from tuner.errors import DatabaseAway, NotAllowed, StudyStopped
from tuner.training.configuration.permit import Permit
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.messages import Fault, Raised
from tuner.training.resuming.checkpoints import Checkpoints
from tuner.training.task import Ending, Fit, Task
from tuner.workers.places import folder_name
from tuner.workers.processes.executor import Orders, TimedOut, Vanished, train
from tuner.workers.processes.fork_server import modules_of, warm_up
from tuner.workers.processes.interruption import LAST_WORDS, EndedAtOnce, within
from tuner.workers.views import View
from tuner.workers.weights import Weights

WAIT = 1.0  # seconds between two looks for a slot while others hold the last ones
GRACE = (
    20.0  # seconds within which a worker that is asked to stop has ended; Slurm and Kubernetes kill after 30
)

UNTOLD = "untold"  # folder beside the results: how trials ended that no database could be told
TABLES = "tables"  # folder beside the results: what trainings share of prepared tables, while they run
LOGS = "logs"  # folder beside the results
LOG = "logs"  # attribute of a trial: the folder that its log is in
AT_ONCE = "its worker was asked a second time to end"  # the cause that a trial is told with
FOLDER = "folder"  # attribute of a trial that goes on in the folder of an earlier attempt: the folder's name
_OWN_FOLDER = re.compile(r"trial-\d{1,18}", re.ASCII)
KILLS = 3  # of the training processes of one slot, before somebody is told that they are no accidents
KILLED = "killed"  # attribute of a lost trial: it was its training that was killed, and not its worker

OUTCOMES = {
    Ending.COMPLETED: Outcome.COMPLETED,
    Ending.STOPPED: Outcome.PRUNED,
    Ending.DIVERGED: Outcome.DIVERGED,
    Ending.INTERRUPTED: Outcome.PREEMPTED,
}
ERRORS = {
    Fault.CODE: Outcome.FAILED,
    Fault.MEMORY: Outcome.OUT_OF_MEMORY,
    Fault.DISK: Outcome.DISK_FULL,
    Fault.DATA: Outcome.UNREADABLE,
}


@dataclass(frozen=True)
class _Kept:
    """A trial that is told later than it ended."""

    number: int
    values: Mapping[str, Value]
    started: float
    validations: int | None = None


@dataclass(frozen=True)
class Worker:
    """One process that answers the trials of one study, and trains each in a process of its own.

    `stop` is set to end: the running trial leaves a checkpoint at the end of its epoch, or ends at once if
    that would take longer than `grace` seconds, and its slot is freed. `folder` takes the weights of the best
    trial, and the trials' logs. `checkpoints` is a folder, or a URL that fsspec knows, from which another
    worker goes on; by default it lies in `folder`. `threads` are torch's where the study names none,
    and `gpus` those that a training may see, None all of them. `identifier` names the worker in the database.
    `permit` is what trials may name; None allows all.
    """

    ledger: Ledger
    view: View
    stop: threading.Event
    folder: Path
    grace: float = 20.0
    checkpoints: str | None = None
    threads: int | None = None
    gpus: str | None = None
    identifier: str = field(default_factory=lambda: worker_name(os.getpid()))
    permit: Permit | None = None

    def work(self, *, wait: bool = True) -> None:
        """Work until the study takes no new trial or `stop` is set.

        Args:
            wait: for slots that other workers hold and may give back; else leave when none is free.

        Raises:
            StudyStopped: several trials in a row ended with an error in the user's code.
        """
        persistently(lambda: settle_abandoned(self.ledger.database))
        try:
            while not self.stop.is_set():
                if self.work_once():
                    continue
                if not wait or self.ledger.over():
                    break
                self.view.waiting()
                self.stop.wait(WAIT)
        finally:
            with suppress(OSError):  # there is something in it
                (self.folder / LOGS).rmdir()
            shutil.rmtree(self.folder / TABLES, ignore_errors=True)
        self._weights().collect()
        self.leave()

    def leave(self) -> None:
        """Have the database forget this worker, and free what it still holds, unless the database is away."""
        within(LAST_WORDS, lambda: self.ledger.slots.workers.leave(self.identifier))

    def work_once(self) -> bool:
        """Answer one trial; False where no slot is free now.

        Raises:
            StudyStopped: it and some before it ended with an error in the user's code.
            NotAllowed: it names what the permit refuses; its slot is free again, as it was.
        """
        logs = self.folder.absolute() / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        warm_up_for(self.ledger.definition, self.permit)
        self.ledger.study.pruner = pruner_of(self.ledger)
        self._tell_kept()
        try:
            running = ask(self.ledger, self.identifier, {LOG: str(logs)})
            if running is not None:
                self._answer(running)
        except EndedAtOnce:
            within(LAST_WORDS, lambda: release(self.ledger, self.identifier, Outcome.PREEMPTED, AT_ONCE))
            raise
        except Exception as error:
            if not (isinstance(error, DatabaseAway | StudyStopped) or is_passing(error)):
                cause = f"its worker could not go on: {type(error).__name__}: {first_line(error)}"
                within(LAST_WORDS, lambda: release(self.ledger, self.identifier, Outcome.LOST, cause))
            raise
        return running is not None

    def _answer(self, running: RunningTrial) -> None:
        self.view.started(running)

        def scored(step: int, score: float) -> bool:
            self.view.scored(running, step, score)
            return report(running, step, score)

        def resumed(scores: Mapping[int, float]) -> None:
            carry_on(running, scores)

        def sized(size: EpochSize) -> tuple[int, ...] | None:
            length = TrialLength.of(running.configuration).told(**vars(size))
            return measure(self.ledger, running, length)

        with _renewed(self.ledger, running.slot, self.stop):
            end = train(self._task(running), self._orders(running), scored, resumed, sized)
            self._tell(running, end)

    def _tell(self, running: RunningTrial, end: Fit | Raised | Vanished | TimedOut) -> None:
        match end:
            case Fit(ending=Ending.COMPLETED, score=None):
                cause = "ValueError: the fit ended without a single validation, so it has no score"
                self._tell_error(running, Raised(cause, "", Fault.CODE, 0.0))
            case Fit():
                self._tell_fit(running, end)
            case Raised(fault=Fault.REFUSED):
                self._tell_ended(running, Outcome.PREEMPTED, None, {"cause": end.cause})
                raise NotAllowed(end.cause.removeprefix(f"{NotAllowed.__name__}: "))
            case Raised():
                self._tell_error(running, end)
            case TimedOut():
                self._tell_ended(running, Outcome.TIMED_OUT, None, {"cause": end.cause})
            case Vanished(out_of_memory=True):
                self._tell_ended(running, Outcome.OUT_OF_MEMORY, None, {"cause": end.cause})
            case Vanished():
                if end.killed and _kills(self.ledger, running.slot) < KILLS - 1:
                    self._tell_ended(running, Outcome.LOST, None, {"cause": end.cause, KILLED: True})
                else:
                    self._tell_error(running, Raised(f"ChildProcessError: {end.cause}", "", Fault.CODE, 0.0))

    def _tell_fit(self, running: RunningTrial, end: Fit) -> None:
        facts = {**end.facts, **({"cause": end.cause} if end.cause else {})}
        if end.kept is not None:
            try:
                facts |= self._weights().keep(running.number)
            except OSError as error:
                cause = f"{type(error).__name__}: its weights cannot be kept: {error}"
                self._tell_error(running, Raised(cause, "", Fault.DISK, 0.0))
                return
        self._tell_ended(running, OUTCOMES[end.ending], end.score, facts)
        if end.kept is not None:
            self._weights().collect()

    def _tell_ended(
        self, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
    ) -> bool:
        end = ended(self.ledger, running, outcome, score, facts)
        try:
            told = tell_ended(self.ledger, end, running.trial.study)
        except Exception as error:
            if not (is_of_database(error) or isinstance(error, StorageError)):
                raise
            kept = end.keep(self.folder.absolute() / UNTOLD)
            raise DatabaseAway(
                f"The database cannot be told how trial {end.number} of {self.ledger.name!r} ended "
                f"({outcome.value}{'' if score is None else f', {score:.6g}'}): {first_line(error)}; that is "
                f"kept in {kept}, and the next worker that starts with this folder tells it."
            ) from error
        if not told:
            return False  # another worker has its slot
        self.view.ended(running, outcome, score)
        if not EFFECTS[outcome].goes_on:
            self._checkpoints().collect(running.slot.number)
        return True

    def _tell_kept(self) -> None:
        """Tell how trials ended that no database could be told; one whose slot was given away is dropped."""
        for path, end in kept_trials(self.folder.absolute() / UNTOLD, self.ledger.slots.ledger):
            told = tell_ended(self.ledger, end)
            path.unlink(missing_ok=True)
            if told:
                trial = self.ledger.trial(end.number)
                self.view.ended(_Kept(end.number, trial.params, time.monotonic()), end.outcome, end.score)

    def _task(self, running: RunningTrial) -> Task:
        settings, slot = self.ledger.definition.settings, running.slot
        leader = self.ledger.leader_of(slot.number)
        checkpoints, owner = self._checkpoints(), f"{self.ledger.slots.ledger}/{slot.number}/{slot.draw}"
        resume = self._resumable(running, checkpoints, owner)
        return Task(
            configuration=running.configuration,
            seed=running.seed,
            metric=settings.metric,
            minimizes=self.ledger.minimizes,
            score=settings.score,
            diverged_beyond=settings.diverged_beyond,
            keep=self._weights().begun(running.number),
            better_than=leader.score if leader else None,
            threads=settings.threads or self.threads,
            facts=settings.facts,
            checkpoint=checkpoints.file(slot.number, slot.draw, slot.attempt),
            resume=resume,
            owner=owner,
            place=self.folder.absolute() / self._folder_of(running, resume),
            tables=self.folder.absolute() / TABLES,
            permit=self.permit,
        )

    def _resumable(self, running: RunningTrial, checkpoints: Checkpoints, owner: str) -> str | None:
        """Find the checkpoint that a trial goes on from; where its state is lost, the trial says so."""
        slot = running.slot
        if slot.trial is None:
            return None
        file, reason = checkpoints.resumable(slot.number, slot.draw, slot.attempt, owner)
        if file is None and self.ledger.trial(slot.trial).intermediate_values:
            sentence = f"it began anew with the same values: {reason}"
            running.trial.set_user_attr(ANEW, sentence)
            with self._log(running).open("a", encoding="utf-8") as log:
                log.write(f"Trial {running.number}: {sentence}.\n")
        return file

    def _log(self, running: RunningTrial) -> Path:
        return self.folder.absolute() / LOGS / f"trial-{running.number}.log"

    def _folder_of(self, running: RunningTrial, resume: str | None) -> str:
        """Name the folder of a trial; one that goes on from a checkpoint uses the folder of its attempt."""
        own = f"trial-{running.number}"
        if resume is None:
            return own
        attempt = self._checkpoints().attempt_of(resume)
        for trial in self.ledger.trials():
            facts = trial.user_attrs
            if (facts.get("slot"), facts.get("attempt")) == (running.slot.number, attempt):
                told = str(facts.get(FOLDER))
                # The database may have been written to by anyone, and this is a path.
                own = told if _OWN_FOLDER.fullmatch(told) else f"trial-{trial.number}"
                running.trial.set_user_attr(FOLDER, own)
        return own

    def _orders(self, running: RunningTrial) -> Orders:
        definition = self.ledger.definition
        return Orders(
            log=self._log(running),
            stop=self.stop,
            grace=self.grace,
            ranks=TrialLength.of(running.configuration).devices or 1,
            limit=definition.settings.trial_timeout,
            gpus=self.gpus,
        )

    def _checkpoints(self) -> Checkpoints:
        if self.checkpoints is None:
            return Checkpoints(str(self.folder.absolute() / "checkpoints"))
        root = self.checkpoints if "://" in self.checkpoints else str(Path(self.checkpoints).absolute())
        own = folder_name(f"{self.ledger.name}-{self.ledger.slots.ledger[:8]}")
        return Checkpoints(f"{root.rstrip('/')}/{own}")

    def _tell_error(self, running: RunningTrial, raised: Raised) -> None:
        facts = {"cause": raised.cause, "traceback": raised.traceback}
        if not self._tell_ended(running, ERRORS[raised.fault], None, facts):
            return
        if alike := is_failing(self.ledger):
            self.ledger.slots.steering.stop(FAILING)
            raise StudyStopped(
                f"The study {self.ledger.name!r} is stopped: its last {alike} trials ended with an error, "
                f"the last with {raised.cause}; mend it and give the same command again.",
                raised.traceback,
            )

    def _weights(self) -> Weights:
        return Weights(self.ledger, self.folder.absolute())


def warm_up_for(definition: StudyDefinition, permit: Permit | None = None) -> None:
    """Start the fork server, unless there is one, with what the trials of a study will need."""
    defaults = configure(definition.fixed, definition.space, default_values(definition.space))
    if permit is None:
        modules = modules_of([definition.fixed, to_data(definition.space)])
    else:
        modules = {path.rpartition(".")[0] for path in permit.check(defaults)}
    warm_up(modules, defaults, permit)


def _kills(ledger: Ledger, slot: Slot) -> int:
    """Count the attempts at a slot whose training process was killed."""
    trials = ledger.trials(TrialState.FAIL)
    return sum(trial.user_attrs[SLOT] == slot.number and KILLED in trial.user_attrs for trial in trials)


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
            except Exception as error:
                if not is_passing(error):
                    raise
                continue  # a lease outlasts several renewals; the next one tries again

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
