"""How many workers a study has something to do for, and what many of them cost its search."""

from collections.abc import Sequence
from dataclasses import dataclass

FEW = 100  # slots; beyond so many nobody starts a worker for each
MEASURED = 60  # slots of the searches that were measured
# Of its trials' worth that a search loses, by its sampler's class and how many workers train at a time:
# docs/search.md.
LOST = {
    "TPESampler": ("TPE", {4: 0.07, 8: 0.15, 16: 0.43, 32: 0.54}),
    "JointSampler": ("the joint model", {4: 0.14, 16: 0.42}),
}


@dataclass(frozen=True)
class Parallel:
    """What a study says of how many workers pay.

    Attributes:
        open: slots that nobody has begun.
        running: trials that run, each in a worker.
        paused: slots whose trials wait at a rung.
        total: all slots.
        repeatable: by the results of how many slots before it a trial waits, in a study that says so.
        sampler: the class that proposes the values.
    """

    open: int
    running: int
    paused: int
    total: int
    repeatable: int | None
    sampler: str

    def sentences(self) -> Sequence[str]:
        """Say from how many workers on more would not help; nothing where no such thing is known."""
        found = []
        left = self.open + self.running + self.paused
        if self.open and left <= FEW:
            found.append(f"{_slots(left)} left: more than {_workers(left)} would wait")
        if not self.open and self.paused:
            found.append(
                f"every slot has been begun: beyond {_workers(self.running)} others wait until one of the "
                f"{self.paused} paused trials is among the best of its rung"
            )
        if self.repeatable is not None and self.repeatable < left:
            found.append(
                f"the study is repeatable: {self.repeatable}, so behind its slots that explore more than "
                f"{_workers(self.repeatable)} would wait"
            )
        if (lost := self.lost()) is not None:
            who, _ = LOST[self.sampler]
            found.append(
                f"with {self.running} workers a search by {who} loses about {lost:.0%} of its trials' worth "
                f"(measured on functions with {MEASURED} slots, docs/search.md)"
            )
        return found

    def lost(self) -> float | None:
        """Give the share of its trials' worth that the search loses; None where nobody has measured it."""
        if self.sampler not in LOST:
            return None
        _, known = LOST[self.sampler]
        counts = sorted(known)
        if not counts[0] <= self.running <= counts[-1]:
            return None
        if not MEASURED / 2 <= self.total <= 2 * MEASURED or self.repeatable is not None:
            return None
        below = max(count for count in counts if count <= self.running)
        above = min(count for count in counts if count >= self.running)
        share = 0.0 if above == below else (self.running - below) / (above - below)
        return (1 - share) * known[below] + share * known[above]


def _slots(count: int) -> str:
    return "1 slot is" if count == 1 else f"{count} slots are"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
