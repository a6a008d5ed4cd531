"""The door of engines: what starts one worker many times somewhere, and finds, counts and ends them later.

An engine holds nothing in memory that another process would need: what it has started is found again by the
identifier of the job, which the database keeps. Workers leave by themselves when their study is over.
"""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal, Protocol, Self, runtime_checkable

from studies.ledger.fleet import workers
from tuner.errors import Refused

STORAGE, LAUNCH = "TUNER_STORAGE", workers.LAUNCH  # variables of a worker's environment
WAITING: Final = "waiting"  # states of a worker
RUNNING: Final = "running"
ENDED: Final = "ended"


@dataclass(frozen=True)
class Resources:
    """What one worker needs.

    Attributes:
        gpus: whole GPUs; its trainings see these and no others.
        cpus: cores; None leaves it to the engine.
        memory: gigabytes; None leaves it to the engine.
    """

    gpus: int = 0
    cpus: int | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Order:
    """What an engine is asked to start: the same worker several times.

    Attributes:
        launch: what tells this launch from any other; 12 letters and digits.
        engine: the engine's name.
        study: whose workers they are.
        url: of the database, with its password: it reaches a worker by its environment, and no log.
        options: what `tuner worker NAME` is given.
        folder: an absolute path, for what the engine and its workers print.
        directory: the working directory, from which the user's own modules are imported.
        workers: how many.
        resources: what each needs.
        grace: seconds within which a worker that is asked to leave has left.
        python: the interpreter that has `interplay-tuner` where the workers run.
    """

    launch: str
    engine: str
    study: str
    url: str = field(repr=False)
    options: tuple[str, ...]
    folder: Path
    directory: Path
    workers: int
    resources: Resources
    grace: float
    python: str = sys.executable

    @property
    def name(self) -> str:
        """What the job is called where an engine shows names: letters, digits and a dash."""
        return f"tuner-{self.launch}"

    @property
    def worker(self) -> tuple[str, ...]:
        """The words of the command that is a worker, without the program before them."""
        if self.study.startswith("-"):  # else it would be read as an option
            return ("worker", *self.options, "--", self.study)
        return ("worker", self.study, *self.options)

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that is a worker and is begun anew when it dies, see `keeper`."""
        keeper = (self.python, "-P", "-m", "tuner.workers.engines.keeper", "--log", str(self.folder))
        return (*keeper, *self.worker)

    def environment(self, index: int) -> dict[str, str]:
        """Give what is added to the environment of the worker with this number, counted from 0."""
        return {STORAGE: self.url, LAUNCH: f"{self.engine}:{self.launch}:{index}"}

    def shown(self) -> str:
        """Write the command as a line for a shell; it holds no password."""
        return shlex.join(self.command)


@dataclass(frozen=True)
class WorkerState:
    """What an engine knows of a worker.

    Attributes:
        state: waiting for a place, running, or ended.
        where: the machine; empty while that is not known.
        why: why it waits, or how it ended, as the end of a sentence; may be empty.
    """

    state: Literal["waiting", "running", "ended"]
    where: str = ""
    why: str = ""


def log_of(folder: Path, index: int) -> Path:
    """Name the file in a launch's folder that holds what one of its workers prints."""
    return folder / f"worker-{index}.log"


class EngineAway(Refused):
    """An engine does not answer; what it has started may go on."""


class Engine(Protocol):
    """Starts workers somewhere.

    Attributes:
        OPTIONS: what `--with KEY=VALUE` takes, and what each means.
        KEPT: those of them by which another process finds the engine again; they hold no secret.
    """

    OPTIONS: ClassVar[Mapping[str, str]]
    KEPT: ClassVar[Sequence[str]]

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Make it of its options, all of which it knows.

        Raises:
            Refused: a value is wrong.
        """

    def check(self, order: Order) -> None:
        """Refuse an order before anything is made.

        Raises:
            Refused: the engine is not installed, or nowhere has what a worker needs.
            EngineAway: it does not answer.
        """

    def is_one_machine(self) -> bool:
        """Say whether all workers surely run on this machine, where they may share a SQLite file."""

    def plan(self, order: Order) -> str:
        """Write what would be submitted, for people to read or to submit themselves; it holds no password."""

    def submit(self, order: Order) -> str:
        """Start the workers, which work on when this process ends.

        Returns: The identifier of the job, by which another process finds it; at most 400 characters.

        Raises:
            Refused: the engine takes no such order.
            EngineAway: it does not answer.
        """

    def states(self, job: str) -> Sequence[WorkerState]:
        """Say how each worker of a job is, in the order of their numbers; none where the job is forgotten.

        Raises:
            EngineAway: it does not answer.
        """

    def cancel(self, job: str, grace: float) -> None:
        """Ask all workers of a job to leave, end those that are there after `grace` seconds, and wait.

        A job that is over or forgotten is left alone.

        Raises:
            EngineAway: it does not answer.
        """


@runtime_checkable
class PrintsElsewhere(Protocol):
    """An engine whose workers print elsewhere than into the folder of their launch."""

    def where_printed(self, job: str) -> str:
        """Give the command that shows what the workers of a job print."""


def is_alive(states: Sequence[WorkerState]) -> bool:
    """Say whether a worker of a job runs, or will."""
    return any(each.state != ENDED for each in states)
