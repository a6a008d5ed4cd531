"""The door of early stopping: whoever decides, at a validation, whether a trial goes on."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from studies.proposing.proposer import History
from studies.trials.record import TrialRecord


class Action(Enum):
    """What becomes of a trial; true where it ends here, for now or for good."""

    GO_ON = "go on"
    PAUSE = "pause"  # it leaves a checkpoint, and may be taken up again
    STOP = "stop"

    def __bool__(self) -> bool:
        """Say whether the trial ends here."""
        return self is not Action.GO_ON


@dataclass(frozen=True)
class Decision:
    """What becomes of a trial, and why, in words."""

    verdict: Action
    reason: str = ""


GO_ON = Decision(Action.GO_ON)


class StopRule(Protocol):
    """Decides for one trial, at one validation after the other.

    Asking costs: the history is read. So `is_due` says beforehand where the answer is not known already. A
    score may be missing at some validations.
    """

    def decided_at(self, *, explores: bool) -> tuple[int, ...] | None:
        """Name the validations after which a trial, such as one that explores, may end; None means any."""

    def is_due(self, step: int, before: int) -> bool:
        """Say whether the rule has to be asked after validation `step`, counted from 1.

        Args:
            step: the last one that has a score.
            before: the one before it that has, 0 for none.
        """

    def decide(self, history: History, running: TrialRecord) -> Decision:
        """Decide what becomes of a trial after its last validation."""
