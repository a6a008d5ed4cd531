"""Proposers whose values are settled beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search_spaces.space.nodes import Value
from studies.ledger.slot import Slot
from studies.proposing.exploration import exploration_point
from studies.proposing.proposer import History, Origin, Proposal
from studies.proposing.seeds import seed_of


@dataclass(frozen=True)
class Planned:
    """Proposes the same values for every slot.

    Attributes:
        values: by full name.
        origin: how they were proposed first.
    """

    values: Mapping[str, Value]
    origin: Origin

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose them."""
        return [Proposal(self.values, self.origin) for _ in slots]


class Candidates:
    """Goes through the candidates of a study that repeats some trials of another, in turns."""

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose the candidate of each slot."""
        candidates = history.definition.candidates
        return [
            Proposal(candidates[slot.number % len(candidates)]["values"], Origin.CANDIDATE) for slot in slots
        ]


@dataclass(frozen=True)
class Exploration:
    """Proposes the defaults for slot 0, and quasi-random points for the others.

    Attributes:
        every: of the slots that it is asked for, how far the next one lies: 1, or a number from which on it
            takes points of its own. Every eighth point of a Sobol sequence would lie in one part of a range.
    """

    every: int = 1

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose the point of each slot."""
        return [self._point(history, slot) for slot in slots]

    def _point(self, history: History, slot: Slot) -> Proposal:
        space, definition = history.space, history.definition
        seed, index = definition.settings.seed, slot.number
        path: tuple[int, ...] = (slot.draw,)
        if self.every > 1:
            index, path = slot.number // self.every + 1, (slot.draw, self.every)
            seed = seed_of(definition, *path)
        if slot.draw == 0:
            origin = Origin.EXPLORATION if index else Origin.DEFAULTS
            return Proposal(exploration_point(space, index=index, seed=seed), origin)
        # The point before met an error in the user's code. Another scrambling gives another point, as evenly
        # drawn.
        seed = seed_of(definition, *path)
        return Proposal(exploration_point(space, index=index + 1, seed=seed), Origin.EXPLORATION)
