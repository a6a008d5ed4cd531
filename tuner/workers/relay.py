"""What a local worker tells its supervisor: each event as a value that shows itself to a view."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

from search_spaces.space.nodes import Value
from studies.trials.outcomes import Outcome
from tuner.workers.views import Shown, View


@dataclass(frozen=True)
class ShownTrial:
    """What is shown of a trial, as plain data."""

    number: int
    values: Mapping[str, Value]
    started: float
    validations: int | None = None


Event: TypeAlias = Callable[[View], None]


@dataclass(frozen=True)
class Started:
    """A trial has begun."""

    running: ShownTrial

    def __call__(self, view: View) -> None:
        """Show it."""
        view.started(self.running)


@dataclass(frozen=True)
class Scored:
    """A trial was validated."""

    running: ShownTrial
    step: int
    score: float

    def __call__(self, view: View) -> None:
        """Show it."""
        view.scored(self.running, self.step, self.score)


@dataclass(frozen=True)
class Ended:
    """A trial has ended."""

    running: ShownTrial
    outcome: Outcome
    score: float | None

    def __call__(self, view: View) -> None:
        """Show it."""
        view.ended(self.running, self.outcome, self.score)


class Waiting:
    """Other workers hold the last slots."""

    def __call__(self, view: View) -> None:
        """Show it."""
        view.waiting()


@dataclass(frozen=True)
class Finished:
    """A worker has no more to do, or had to stop for what it says; `is_wrong`: because of a wrong request."""

    sentence: str = ""
    traceback: str = ""
    is_wrong: bool = False


class PipeView:
    """Sends what a worker does to whoever watches several of them."""

    def __init__(self, pipe: Connection) -> None:
        """Send to `pipe`."""
        self._pipe = pipe

    def started(self, running: Shown) -> None:
        """Tell of a trial that has begun."""
        self._send(Started(_plain(running)))

    def scored(self, running: Shown, step: int, score: float) -> None:
        """Tell of one validation."""
        self._send(Scored(_plain(running), step, score))

    def ended(self, running: Shown, outcome: Outcome, score: float | None) -> None:
        """Tell of a trial that has ended."""
        self._send(Ended(_plain(running), outcome, score))

    def waiting(self) -> None:
        """Tell that other workers hold the last slots."""
        self._send(Waiting())

    def _send(self, event: Event) -> None:
        with suppress(OSError):  # whoever watched has gone, which is heard elsewhere
            self._pipe.send(event)


def _plain(running: Shown) -> ShownTrial:
    return ShownTrial(running.number, dict(running.values), running.started, running.validations)
