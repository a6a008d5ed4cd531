"""What a worker tells whoever watches it: plain values, the same in this process and over a pipe."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

from search_spaces.space.nodes import Value
from studies.running.trial import RunningTrial
from studies.trials.outcomes import Outcome


@dataclass(frozen=True)
class ShownTrial:
    """A trial as it is shown.

    Attributes:
        number: its number in its study.
        values: what was suggested.
        started: when it was asked for, in seconds by the monotonic clock of this machine.
        validations: how many it has, as far as that is known.
    """

    number: int
    values: Mapping[str, Value]
    started: float
    validations: int | None = None

    @classmethod
    def of(cls, running: RunningTrial) -> "ShownTrial":
        """Take what is shown of a trial that runs."""
        return cls(running.number, dict(running.values), running.started, running.validations)


@dataclass(frozen=True)
class TrialStarted:
    """A trial has begun."""

    trial: ShownTrial


@dataclass(frozen=True)
class TrialScored:
    """A trial was validated: the number of the validation, counted from 1, and its score."""

    trial: ShownTrial
    step: int
    score: float


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended; one that was not completed has no score."""

    trial: ShownTrial
    outcome: Outcome
    score: float | None


@dataclass(frozen=True)
class Waiting:
    """Other workers hold the last slots."""


@dataclass(frozen=True)
class Places:
    """How many workers an engine runs, how many wait there for a place, and why, and how many have ended."""

    running: int
    waiting: int
    ended: int
    why: str = ""


@dataclass(frozen=True)
class WorkerLeft:
    """A worker has no more to do, or had to stop for what it says; `is_wrong`: because of a wrong request."""

    sentence: str = ""
    traceback: str = ""
    is_wrong: bool = False


Event: TypeAlias = TrialStarted | TrialScored | TrialEnded | Waiting | Places | WorkerLeft
View: TypeAlias = Callable[[Event], None]  # whoever watches a worker


def unseen(event: Event) -> None:
    """Show nothing."""


def through(pipe: Connection) -> View:
    """Give a view that sends each event to whoever watches several workers."""

    def send(event: Event) -> None:
        with suppress(OSError):  # whoever watched has gone, which is heard elsewhere
            pipe.send(event)

    return send
