"""Several workers on this machine, with one view of what they do: `tuner run --workers K`.

Each is a process of its own, which the fork server gives birth to, so that torch is imported once for all of
them and for all trials. One that dies is replaced.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from math import inf
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from types import FrameType

from search_spaces.errors import TunerError, first_line
from studies.database.open import open_database
from studies.database.retry import PATIENCE, is_passing
from studies.definition.length import TrialLength
from studies.ledger.fleet.workers import worker_name, worker_token
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.running.lost import release
from studies.trials.outcomes import Outcome
from tuner.errors import DatabaseAway, Refused, StudyStopped
from tuner.training.process.by_value import pack, unpack
from tuner.training.process.parent import die_with_parent
from tuner.workers.code.here import refuse_elsewhere
from tuner.workers.events import TrialEnded, View, WorkerLeft, through, unseen
from tuner.workers.failures import database_failure
from tuner.workers.gpus import Gpus, cores, lent
from tuner.workers.launchers.launcher import Job, Launcher
from tuner.workers.processes.fork_server import TICK, UNTOLD, started
from tuner.workers.processes.interruption import ENDING, SIGNALS, within
from tuner.workers.worker import Worker, warm_up_for

LEAVING = 10.0  # seconds beyond the grace period after which a worker that was asked to leave is killed
# Of workers, with no trial that has ended in between, after which there is no use in replacing them.
DEATHS = 5


def work(pipe: Connection, job: Job) -> None:
    """Be a local worker, until the budget is spent, the supervisor says so, or it is gone."""
    from tuner.workers.processes.quiet import silence

    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    def listen() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        stop.set()

    for number in SIGNALS:  # what a terminal sends to all is for the supervisor, which says what to do
        signal.signal(number, leave if number == signal.SIGTERM else signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)  # which is the fork server that made it
    threading.Thread(target=listen, name="supervisor", daemon=True).start()
    silence()
    try:
        _work(pipe, job, stop)
    except StudyStopped as error:
        _send(pipe, WorkerLeft(str(error), error.traceback))
    except DatabaseAway as error:
        _send(pipe, WorkerLeft(str(error)))
    except TunerError as error:
        _send(pipe, WorkerLeft(str(error), is_wrong=True))
    except Exception as error:  # noqa: BLE001 - it is told by the process that shows what happens
        said = database_failure(error) or f"A worker ended with {type(error).__name__}: {first_line(error)}."
        _send(pipe, WorkerLeft(said, "" if is_passing(error) else "".join(traceback.format_exception(error))))
    else:
        _send(pipe, WorkerLeft())


def _work(pipe: Connection, job: Job, stop: threading.Event) -> None:
    unpack(job.code)
    ledger = open_ledger(open_database(job.url, patience=PATIENCE), job.study)
    Worker(
        ledger,
        through(pipe),
        stop,
        job.folder,
        job.grace,
        job.checkpoints,
        job.threads,
        job.gpus,
        worker_name(os.getpid(), job.token),
    ).work()


@dataclass(frozen=True)
class LocalLauncher:
    """Starts workers on this machine: one in this process, several in a process each.

    Attributes:
        ledger: the study.
        gpus: which GPUs they share; None lets each see all of them.
    """

    ledger: Ledger
    gpus: Gpus | None = None

    def launch(self, job: Job, workers: int, stop: threading.Event) -> "InProcess | Crew":
        """Start them; see `Launcher`."""
        count = TrialLength.of(self.ledger.definition.fixed).devices or 1
        leases = ExitStack()
        with ExitStack() as stack:
            leased = [stack.enter_context(lent(self.gpus, count)) for _ in range(workers)]
            leases = stack.pop_all()
        if workers == 1:
            return InProcess(self.ledger, replace(job, gpus=leased[0]), stop, leases)
        threads = max(1, cores() // workers)
        crew = Crew(self.ledger, stop, leases)
        for gpus in leased:
            crew.start(replace(job, gpus=gpus, threads=threads))
        return crew


@dataclass(frozen=True)
class InProcess:
    """One worker, in this process."""

    ledger: Ledger
    job: Job
    stop: threading.Event
    leases: ExitStack

    def watch(self, view: View) -> None:
        """Be the worker."""
        job = self.job
        Worker(
            self.ledger,
            view,
            self.stop,
            job.folder,
            job.grace,
            job.checkpoints,
            job.threads,
            job.gpus,
        ).work()

    def cancel(self) -> None:
        """Give the GPUs back: the worker has left by itself."""
        self.leases.close()


def work_locally(
    job: Job, ledger: Ledger, view: View, stop: threading.Event, *, workers: int, gpus: Gpus | None
) -> None:
    """Spend the budget of a study on this machine.

    Args:
        job: what a worker needs, GPUs and threads aside.
        ledger: the study.
        view: what shows them.
        stop: is set to end.
        workers: how many.
        gpus: which GPUs they share; None lets each see all of them.

    Raises:
        StudyStopped: several trials in a row ended with an error, or workers die again and again.
        Refused: there are not enough GPUs, or the study can be worked on elsewhere only.
    """
    refuse_elsewhere(ledger.name, ledger.definition)
    launcher: Launcher = LocalLauncher(ledger, gpus)
    launched = launcher.launch(job, workers, stop)
    try:
        launched.watch(view)
    finally:
        launched.cancel()


class Crew:
    """The workers of one study on this machine, by their pipes."""

    def __init__(self, ledger: Ledger, stop: threading.Event, leases: ExitStack) -> None:
        self._ledger, self._stop, self._leases = ledger, stop, leases
        self._view: View = unseen
        self._workers: dict[Connection, tuple[ForkServerProcess, Job]] = {}
        self._deaths = 0
        self.error: TunerError | None = None

    def start(self, job: Job) -> None:
        """Start a worker."""
        warm_up_for(self._ledger.definition)
        context = multiprocessing.get_context("forkserver")
        ours, theirs = context.Pipe()
        job = replace(job, token=worker_token(), code=pack(self._ledger.definition.to_data()))
        process = context.Process(target=work, args=(theirs, job))
        try:
            is_there = started(process, self._stop)
        except (OSError, EOFError):  # the fork server was ended
            is_there = False
        theirs.close()
        if is_there:
            self._workers[ours] = process, job
        else:
            ours.close()

    def watch(self, view: View) -> None:
        """Show what the workers do, and replace those that die."""
        self._view = view
        grace = max((job.grace for _, job in self._workers.values()), default=0.0)
        is_asked, deadline = False, inf
        while self._workers and time.monotonic() < deadline:
            sentinels = [process.sentinel for process, _ in self._workers.values()]
            heard = wait([*self._workers, *sentinels], TICK)
            for pipe, (process, _) in list(self._workers.items()):
                if pipe in heard or process.sentinel in heard:
                    self._hear(pipe, is_leaving=is_asked)
            if (self._stop.is_set() or self.error is not None) and not is_asked:
                is_asked, deadline = True, time.monotonic() + grace + LEAVING
                for pipe in self._workers:
                    _send(pipe, None)
        if self.error is not None:
            raise self.error

    def _hear(self, pipe: Connection, *, is_leaving: bool) -> None:
        try:
            message = pipe.recv() if pipe.poll() else None  # a worker may have ended without telling how
        except (EOFError, OSError):
            message = None
        if message is None:
            self._free(pipe, is_leaving=is_leaving)
            return
        if isinstance(message, WorkerLeft):
            if message.sentence and self.error is None:
                is_wrong, sentence = message.is_wrong, message.sentence
                self.error = Refused(sentence) if is_wrong else StudyStopped(sentence, message.traceback)
            process, job = self._workers.pop(pipe)
            process.join()
            pipe.close()
            if not message.sentence and not is_leaving and self._ledger.over() is None:
                self._replace(job, process)  # somebody has asked it to leave, and not us
            return
        if isinstance(message, TrialEnded):
            self._deaths = 0
        self._view(message)

    def _free(self, pipe: Connection, *, is_leaving: bool) -> None:
        """Free the slot of a dead worker, and put another in its place."""
        process, job = self._workers.pop(pipe)
        process.join()
        pipe.close()
        _make_sure(process)
        release(self._ledger, worker_name(process.pid or 0, job.token), Outcome.LOST, "its worker was killed")
        if not is_leaving:
            self._replace(job, process)

    def _replace(self, job: Job, process: ForkServerProcess) -> None:
        self._deaths += 1
        if self._stop.is_set():
            return
        if self._deaths < DEATHS:
            self.start(job)
        else:
            self.error = StudyStopped(
                f"The workers of {self._ledger.name!r} died {DEATHS} times in a row, the last with exit code "
                f"{process.exitcode}; look at the memory of this machine, and give the same command again.",
                "",
            )

    def cancel(self) -> None:
        """Kill those that are still there; their trainings end with them, and the slots are free."""
        for pipe, (process, _) in self._workers.items():
            process.kill()
            process.join()
            pipe.close()
        left = [worker_name(process.pid or 0, job.token) for process, job in self._workers.values()]
        self._workers.clear()
        cause = "its worker was ended before it had left"

        def tell() -> None:
            for name in left:
                release(self._ledger, name, Outcome.PREEMPTED, cause)

        if left:
            within(ENDING, tell)
        self._leases.close()


def _make_sure(process: ForkServerProcess) -> None:
    """Kill a process of which its fork server has told no end, because the fork server was killed."""
    if process.exitcode == UNTOLD:
        with suppress(ProcessLookupError):
            os.kill(process.pid or 0, signal.SIGKILL)


def _send(pipe: Connection, message: object) -> None:
    with suppress(OSError):
        pipe.send(message)
