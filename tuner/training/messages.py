"""What a training process and the worker that started it say to each other over a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.training.assignment import Assignment
from tuner.training.ends import Reply
from tuner.training.fitting.epoch_size import EpochSize

# Environment variable, JSON: paths to import from, modules, a configuration, a permit.
PRELOAD = "TUNER_PRELOAD"


@dataclass(frozen=True)
class Start:
    """What a training process begins with, as one of the ranks that train together.

    Attributes:
        assignment: what is trained.
        rank: which of the ranks it is.
        port: of this machine, at which the ranks find each other.
        rehearsal: for so many seconds the assignment is only tried out; None trains it.
        tested: a file of weights; nothing is trained, and the weights are tested.
        code: what it names that only its parent has, see `tuner.training.process.by_value`.
        measured: a file of weights; nothing is trained, and the loss around the weights is measured.
    """

    assignment: Assignment
    rank: int = 0
    port: int = 0
    rehearsal: float | None = None
    tested: str | None = None
    code: bytes | None = None
    measured: str | None = None


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
    """What weights scored on the test part of the data, by name, and what the best constant answer scores."""

    scores: Mapping[str, float]
    baseline: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Measured:
    """How sharp the training loss is around weights, as `tuner.training.sharpness.measure` tells it."""

    found: Mapping[str, Any]


@dataclass(frozen=True)
class Sized:
    """The training knows what an epoch is, before its first; it waits for its `Decisions`."""

    size: EpochSize


@dataclass(frozen=True)
class Decisions:
    """The validations at which the training waits to hear what to do; None means at any."""

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


@dataclass(frozen=True)
class Answer:
    """What to do behind the validation that waits."""

    reply: Reply


@dataclass(frozen=True)
class Leave:
    """Come to an end within so many seconds: at the end of the epoch if that is soon enough, else at once."""

    seconds: float
