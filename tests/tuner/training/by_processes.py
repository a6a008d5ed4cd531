"""One training in processes of its own, with functions at the other end of its line."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuner.training.assignment import Assignment
from tuner.training.ends import End, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.workers.processes.executor import ProcessTrainer


def never(step: int, score: float) -> bool:
    """Stop no training."""
    return False


def deaf(scores: Mapping[int, float]) -> None:
    """Hear nothing."""


@dataclass(frozen=True)
class FunctionLine:
    """A line of one lane, of functions."""

    heard: Callable[[int, float], bool] = never
    known: Callable[[Mapping[int, float]], None] = deaf
    decided_at: tuple[int, ...] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    grace: float = 20.0

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Say where decisions fall."""
        return self.decided_at

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Pass them on."""
        self.known(scores)

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Ask the function, whose true means to stop."""
        said = self.heard(step, score)
        return said if isinstance(said, Reply) else Reply.STOP if said else Reply.GO_ON


def train(assignment: Assignment, line: FunctionLine | None = None) -> End:
    """Train it."""
    (end,) = ProcessTrainer().fit([assignment], line or FunctionLine())
    return end
