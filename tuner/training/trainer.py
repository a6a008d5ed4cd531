"""The door of trainings: whoever fits what it is assigned, and the line to whoever has asked for it.

An assignment is one lane of a trainer. A trainer may fit its lanes one after another or all at once; what it
says over the line names the lane, by the place of the assignment among those that it was given.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from tuner.training.assignment import Assignment
from tuner.training.ends import End, Reply
from tuner.training.fitting.epoch_size import EpochSize


class Line(Protocol):
    """What a trainer says while it trains, and what it is told.

    When `stop` is set, every fit that runs has to end within `grace` seconds: it leaves a checkpoint, if its
    assignment names one, and is interrupted.
    """

    @property
    def stop(self) -> threading.Event:
        """Is set when all fits have to end."""

    @property
    def grace(self) -> float:
        """Seconds within which they have to."""

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Hear what an epoch is, before the first; give the validations with a decision, None for all."""

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Hear the scores that stand in the checkpoint that is resumed, by their numbers."""

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Hear of a validation, counted from 1; say what the fit shall do."""


class Trainer(Protocol):
    """Fits assignments."""

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Fit each, and say how it ended, in the same order; whatever a user's code does is an end."""
