"""What a training process and the worker that started it say to each other over a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.task import Task

PRELOAD = (
    "TUNER_PRELOAD"  # environment variable, JSON: paths to import from, modules, a configuration, a permit
)


@dataclass(frozen=True)
class Assignment:
    """What a training process is to do, as one of `ranks` that train together.

    `decided_at` names the validations at which it waits to hear whether to stop, None all of them, until it
    is given other `Decisions`. `log` is the file that takes everything it prints. Ranks find each other at
    `port` of this machine.
    `gpus` are those that it may see, None all of them. With `rehearsal` the task is only tried out, for so
    many seconds. With `tested`, a file of weights, nothing is trained: the weights are tested.
    """

    task: Task
    decided_at: tuple[int, ...] | None
    log: str
    rank: int = 0
    ranks: int = 1
    port: int = 0
    gpus: str | None = None
    rehearsal: float | None = None
    tested: str | None = None


@dataclass(frozen=True)
class Stepped:
    """A rehearsal has begun, or has trained its first batch."""

    batches: int


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal went well: what an epoch is, a sentence on what could not be seen, if anything.

    `inexact` holds the reasons why a trial that is interrupted may end otherwise than one that is not.
    """

    size: EpochSize | None
    remark: str = ""
    inexact: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unfit:
    """A rehearsal shows that the task cannot be trained: the section to look at, the reason, a traceback."""

    key: str
    reason: str
    traceback: str


@dataclass(frozen=True)
class Tested:
    """What weights scored on the test part of the data, by name."""

    scores: Mapping[str, float]


@dataclass(frozen=True)
class Sized:
    """The training knows what an epoch is, before its first; it waits for its `Decisions`."""

    size: EpochSize


@dataclass(frozen=True)
class Decisions:
    """The validations at which the training waits to hear whether to stop; None means at any."""

    decided_at: tuple[int, ...] | None


@dataclass(frozen=True)
class Begun:
    """The first epoch has begun."""


@dataclass(frozen=True)
class Scored:
    """A validation, counted from 1, and its score; `waits` says that the training waits for an `Answer`."""

    step: int
    score: float
    waits: bool


@dataclass(frozen=True)
class Resumed:
    """The training goes on behind the scores of an earlier process, by their numbers."""

    scores: dict[int, float]


class Fault(Enum):
    """Whose fault an exception is."""

    CODE = "code"
    MEMORY = "memory"
    DISK = "disk"
    DATA = "data"
    KILLED = "killed"  # nobody's: a process that loads data was killed from outside
    REFUSED = "refused"  # by the permit of the worker


@dataclass(frozen=True)
class Raised:
    """The training ended with an exception: a sentence, the traceback, and when, by the monotonic clock."""

    cause: str
    traceback: str
    fault: Fault
    at: float


@dataclass(frozen=True)
class Answer:
    """Whether to stop behind the validation that waits."""

    stop: bool


@dataclass(frozen=True)
class Leave:
    """Come to an end within so many seconds: at the end of the epoch if that is soon enough, else at once."""

    seconds: float
