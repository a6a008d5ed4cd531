"""The door of the search: whoever proposes the values of the next trials, given what is known of a study."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Protocol

from search_spaces.space.nodes import Group, Value
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.trials.record import TrialRecord


class Origin(Enum):
    """How values were proposed; a trial carries it as its attribute `origin`."""

    DEFAULTS = "defaults"
    EXPLORATION = "exploration"  # quasi-random
    PRIOR = "prior"  # drawn where the space expects good values
    MODEL = "model"  # by the expected improvement of the joint model
    SAMPLER = "sampler"  # of Optuna's kind, the study's own
    AGAIN = "again"  # those of an earlier attempt at the same slot
    CONTINUED = "continued"  # those of a trial that was paused, and goes on
    CANDIDATE = "candidate"  # those of a trial that is confirmed


@dataclass(frozen=True)
class Proposal:
    """What a trial shall be.

    Attributes:
        values: of the parameters that exist, by full name.
        origin: how they were proposed.
        why: the same in words, where there is more to say.
        expected: the score that a model expects of it, where there is one.
    """

    values: Mapping[str, Value]
    origin: Origin
    why: str = ""
    expected: float | None = None


@dataclass(frozen=True)
class History:
    """What is known of a study when values are proposed.

    Attributes:
        definition: the question.
        read: gives the trials of the study by number, running ones too; it is called once, and only if some
            proposer wants to know them.
        exploring: gives those of the slots from one up to another that explore, which a repeatable study may
            hide; nobody else asks for them.
    """

    definition: StudyDefinition
    read: Callable[[], Sequence[TrialRecord]]
    exploring: Callable[[int, int], frozenset[int]] = lambda first, end: frozenset()

    @cached_property
    def records(self) -> Sequence[TrialRecord]:
        """The trials of the study by number, running ones too."""
        return self.read()

    @property
    def space(self) -> Group:
        """What may vary."""
        return self.definition.space


class Proposer(Protocol):
    """Proposes values.

    A proposer keeps nothing: what it proposes follows from the history and the slot, whoever asks and when.
    """

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose one trial for each slot, in the same order."""
