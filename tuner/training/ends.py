"""How a training ended, as plain data that can cross to another process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

# Among the facts of a fit: torch's on the CPU, on which the last digits of sums depend.
THREADS = "threads"


class Reply(Enum):
    """What is said to a score; true where the fit shall end."""

    GO_ON = "go on"
    PAUSE = "pause"  # leave a checkpoint at the end of the epoch, if that can be, else go on
    STOP = "stop"

    def __bool__(self) -> bool:
        """Say whether the fit shall end."""
        return self is not Reply.GO_ON


class Ending(Enum):
    """How a fit ended, errors aside."""

    COMPLETED = "completed"
    STOPPED = "stopped"  # the report asked for it
    PAUSED = "paused"  # likewise; it has left a checkpoint
    DIVERGED = "diverged"
    INFEASIBLE = "infeasible"  # the module has too many parameters, or too few; nothing was trained
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Fit:
    """What came of an assignment.

    Attributes:
        ending: how it ended.
        scores: of its validations, in their order.
        score: the score made of them; None where it was not completed.
        cause: why it ended so, in words.
        kept: the file with its weights.
        facts: what else the training has to say of itself, as plain data.
        steps: the numbers of the scores: how many validations had been made.
        metrics: further metrics as they were at the score; None for one that was no finite number.
    """

    ending: Ending
    scores: tuple[float, ...]
    score: float | None
    cause: str = ""
    kept: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[int, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)


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
class Vanished:
    """A training process ended without telling how; `killed` says that it was killed from outside."""

    cause: str
    killed: bool
    out_of_memory: bool


@dataclass(frozen=True)
class TimedOut:
    """A training took longer than it may."""

    cause: str


End: TypeAlias = Fit | Raised | Vanished | TimedOut
