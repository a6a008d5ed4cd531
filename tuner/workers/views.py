"""What a worker tells whoever watches it: a trial has begun, was scored, has ended."""

from collections.abc import Mapping
from typing import Protocol

from search_spaces.space.nodes import Value
from studies.trials.outcomes import Outcome


class Shown(Protocol):
    """What is shown of a trial that runs; `started` is by the monotonic clock of this machine."""

    @property
    def number(self) -> int:
        """Its number in its study."""

    @property
    def values(self) -> Mapping[str, Value]:
        """What was suggested."""

    @property
    def started(self) -> float:
        """When it was asked for, in seconds."""

    @property
    def validations(self) -> int | None:
        """How many validations it has, as far as that is known."""


class View(Protocol):
    """Whoever watches a worker."""

    def started(self, running: Shown) -> None:
        """Hear of a trial that has begun."""

    def scored(self, running: Shown, step: int, score: float) -> None:
        """Hear of one validation."""

    def ended(self, running: Shown, outcome: Outcome, score: float | None) -> None:
        """Hear of a trial that has ended."""

    def waiting(self) -> None:
        """Hear that other workers hold the last slots."""
