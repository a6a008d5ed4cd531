"""The worker: claim, ask, train, tell, until every slot of the study is spent."""

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from search_spaces.configuration import configure
from search_spaces.errors import first_line
from search_spaces.space.notation import to_data
from search_spaces.space.parameters import default_values
from studies.database.retry import Hurry, hurried, is_passing, persistently
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition
from studies.ledger.control import PREEMPTED
from studies.ledger.fleet.workers import RENEWAL, Workers, worker_name
from studies.ledger.ledger import Ledger
from studies.proposing.stop_rule import Action
from studies.running.abandoned import settle_abandoned
from studies.running.asking import ask
from studies.running.lost import release
from studies.running.pausing import close_paused
from studies.running.trainings.later import carry_on_later, complete, measure_later, pay_later, take_up
from studies.running.trial import RunningTrial, carry_on, measure, pruner_of, report
from studies.trials.attributes import LOGS
from studies.trials.outcomes import Outcome
from tuner.errors import DatabaseAway, StudyStopped
from tuner.training.configuration.permit import Permit
from tuner.training.ends import End, Ending, Fit, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.trainer import Trainer
from tuner.workers.desk import TABLES, UNTOLD, Desk
from tuner.workers.events import ShownTrial, TrialScored, TrialStarted, View, Waiting
from tuner.workers.places import LOG_FILES, make_folder
from tuner.workers.processes.executor import ProcessTrainer
from tuner.workers.processes.fork_server import modules_of, warm_up
from tuner.workers.processes.interruption import ENDING, EndedAtOnce, within
from tuner.workers.telling import ANSWER, Teller

WAIT = 1.0  # seconds between two looks for a slot while others hold the last ones
SOON = 0.1  # the same where a slot waits for the results that it is chosen by
# Seconds within which a worker that is asked to stop has ended; Slurm and Kubernetes kill after 30.
GRACE = 20.0
_REPLIES = {Action.GO_ON: Reply.GO_ON, Action.PAUSE: Reply.PAUSE, Action.STOP: Reply.STOP}
AT_ONCE = "its worker was asked a second time to end"  # the cause that a trial is told with


@dataclass(frozen=True)
class TrialLine:
    """The line between a trainer and the trials that it answers, one a lane.

    Attributes:
        ledger: the study.
        view: hears of every score.
        trials: by lane.
        stop: is set when they have to end.
        grace: seconds within which they have to.
    """

    ledger: Ledger
    view: View
    trials: Sequence[RunningTrial]
    stop: threading.Event
    grace: float

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Take up how long a trial is."""
        trial = self.trials[lane]
        length = TrialLength.of(trial.configuration).told(**vars(size))
        return measure(trial, length) if trial.trainings.next == 0 else measure_later(trial, length)

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Record the scores of an earlier attempt."""
        if self.trials[lane].trainings.next == 0:
            carry_on(self.trials[lane], scores)
        else:
            carry_on_later(self.trials[lane], scores)

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Record a score, and ask what becomes of the trial; one behind its first training goes on."""
        if self.trials[lane].trainings.next > 0:
            pay_later(self.trials[lane], step)
            return Reply.GO_ON
        self.view(TrialScored(ShownTrial.of(self.trials[lane]), step, score))
        return _REPLIES[report(self.trials[lane], step, score)]


@dataclass(frozen=True)
class Worker:
    """One process that answers the trials of one study, and trains each in a process of its own.

    `stop` is set to end: the running trial leaves a checkpoint at the end of its epoch, or ends at once if
    that would take longer than `grace` seconds, and its slot is freed. `folder` takes the weights of the best
    trial, and the trials' logs. `checkpoints` is a folder, or a URL that fsspec knows, from which another
    worker goes on; by default it lies in `folder`. `threads` are torch's where the study names none,
    and `gpus` those that a training may see, None all of them. `identifier` names the worker in the database.
    `permit` is what trials may name; None allows all. `trainer` fits what trials name.
    """

    ledger: Ledger
    view: View
    stop: threading.Event
    folder: Path
    grace: float = GRACE
    checkpoints: str | None = None
    threads: int | None = None
    gpus: str | None = None
    identifier: str = field(default_factory=lambda: worker_name(os.getpid()))
    permit: Permit | None = None
    trainer: Trainer = field(default_factory=ProcessTrainer)

    def work(self, *, wait: bool = True) -> None:
        """Work until the study takes no new trial or `stop` is set.

        Args:
            wait: for slots that other workers hold and may give back; else leave when none is free.

        Raises:
            StudyStopped: several trials in a row ended with an error in the user's code.
        """
        self.tell_kept()  # before a trial whose end is known is settled as one that was left
        persistently(lambda: settle_abandoned(self.ledger.database))
        heart = Heart(self.ledger.slots.workers, self.identifier, self.stop)
        try:
            while not self.stop.is_set():
                if self.work_once():
                    continue
                if not wait or self.ledger.over():
                    break
                self.view(Waiting())
                heart.beat()
                self.stop.wait(pause_of(self.ledger))
        finally:
            for name in (LOG_FILES, UNTOLD):
                with suppress(OSError):  # there is something in it, or it is not there
                    (self.folder / name).rmdir()
            shutil.rmtree(self.folder / TABLES, ignore_errors=True)
        self._desk().weights().collect()
        self.leave()

    def leave(self) -> None:
        """Have the database forget this worker, and free what it still holds, unless the database is away."""
        within(ENDING, lambda: self.ledger.slots.workers.leave(self.identifier))

    def tell_kept(self) -> None:
        """Tell how trials ended that an earlier worker kept in files, since its database was away."""
        with hurried(self._hurry()):
            self._teller().tell_kept()

    def work_once(self) -> bool:
        """Answer one trial; False where no slot is free now.

        Raises:
            StudyStopped: it and some before it ended with an error in the user's code.
            NotAllowed: it names what the permit refuses; its slot is free again, as it was.
        """
        logs = self.folder.absolute() / LOG_FILES
        make_folder(logs)
        warm_up_for(self.ledger.definition, self.permit)
        self.ledger.study.pruner = pruner_of(self.ledger)
        try:
            self.tell_kept()
            with hurried(self._hurry()):
                running = ask(self.ledger, self.identifier, {LOGS: str(logs)})
            if running is not None:
                self._answer(running)
            else:
                for slot in close_paused(self.ledger):
                    self._desk().checkpoint_files().collect(slot)
        except EndedAtOnce as error:
            if not error.args:  # else how the trial ended is kept in a file, and told as it was
                within(ENDING, lambda: release(self.ledger, self.identifier, Outcome.PREEMPTED, AT_ONCE))
            raise
        except Exception as error:
            if not (isinstance(error, DatabaseAway | StudyStopped) or is_passing(error)):
                cause = f"its worker could not go on: {type(error).__name__}: {first_line(error)}"
                within(ENDING, lambda: release(self.ledger, self.identifier, Outcome.LOST, cause))
            raise
        return running is not None

    def _answer(self, running: RunningTrial) -> None:
        self.view(TrialStarted(ShownTrial.of(running)))

        line = TrialLine(self.ledger, self.view, [running], self.stop, self.grace)
        with renewed(self.ledger, running, self.stop):
            self._teller().tell(running, self._trained(running, line))

    def _trained(self, running: RunningTrial, line: TrialLine) -> End:
        """Train a trial as often as it is to be, as long as it may become the best."""
        take_up(running)
        while True:
            (end,) = self.trainer.fit([self._desk().assignment(running)], line)
            trainings = running.trainings
            if trainings.repetition.count == 1 or not isinstance(end, Fit) or end.score is None:
                return end
            decision = complete(running, end.score, end.metrics)
            if trainings.next == trainings.repetition.count:
                return replace(end, score=fmean(trainings.scores), metrics=trainings.metrics())
            self._desk().checkpoint_files().collect(running.slot.number)
            if decision.verdict:
                return Fit(Ending.STOPPED, (), None, decision.reason, metrics=trainings.metrics())
            if self.stop.is_set():
                return Fit(Ending.INTERRUPTED, (), None)

    def _desk(self) -> Desk:
        return Desk(self.ledger, self.folder, self.checkpoints, self.threads, self.gpus, self.permit)

    def _hurry(self) -> Hurry:
        return Hurry(self.stop, min(self.grace, ANSWER))

    def _teller(self) -> Teller:
        return Teller(self.ledger, self.view, self._desk(), self.stop, self.grace)


def pause_of(ledger: Ledger) -> float:
    """Give the seconds until a worker looks again for a slot, of which there is none now."""
    return ledger.slots.workers.pause(WAIT if ledger.definition.settings.repeatable is None else SOON)


def warm_up_for(definition: StudyDefinition, permit: Permit | None = None) -> None:
    """Start the fork server, unless there is one, with what the trials of a study will need."""
    defaults = configure(definition.fixed, definition.space, default_values(definition.space))
    if permit is None:
        modules = modules_of([definition.fixed, to_data(definition.space)])
    else:
        modules = {path.rpartition(".")[0] for path in permit.check(defaults)}
    warm_up(modules, defaults, permit)


@dataclass
class Heart:
    """Lets a worker that waits be known, since only one that holds a slot renews its lease by itself.

    It waits for no database that is away: the next call of the worker does.
    """

    workers: Workers
    identifier: str
    stop: threading.Event
    _last: float = -RENEWAL

    def leave(self) -> None:
        """Have the database forget the worker, and free what it still holds, unless the database is away."""
        within(ENDING, lambda: self.workers.leave(self.identifier))
        self._last = -RENEWAL

    def beat(self) -> None:
        """Renew the lease, where the last time was long enough ago."""
        if time.monotonic() - self._last < RENEWAL:
            return
        self._last = time.monotonic()
        try:
            with hurried(Hurry(self.stop, 0.0)):
                self.workers.renew(self.identifier, patience=0.0)
        except Exception as error:
            if not is_passing(error):
                raise


@contextmanager
def renewed(
    ledger: Ledger, running: RunningTrial, stop: threading.Event, every: float = RENEWAL
) -> Iterator[None]:
    """Renew a slot's lease in a thread for as long as its trial runs; a study that is preempted stops it."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(every):
            try:
                with hurried(Hurry(done, 0.0)):
                    trained = (running.reports.epochs, time.monotonic() - running.started)
                    if ledger.slots.renew(running.slot, trained).stopped == PREEMPTED:
                        stop.set()
            except Exception:  # noqa: BLE001, S112 - what it is, the next call of the worker meets and tells
                continue  # a lease outlasts several renewals; the next one tries again

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(ANSWER)  # it may wait for a server that does not answer
