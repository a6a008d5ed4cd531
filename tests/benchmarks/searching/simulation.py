"""A study without a database: one worker after the other trial, driven as `studies.running` drives them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import Protocol

from search_spaces.space.nodes import Group, Value
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.expected_ends import expected_ends
from studies.proposing.pausing import PausingRule
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History, Proposer
from studies.proposing.stop_rule import Action
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord, furthest_attempts


class Running(Protocol):
    """A training that can pause."""

    def epoch(self) -> float:
        """Train for one epoch, and give its loss."""


@dataclass
class Simulation:
    """A study that minimizes the last loss of trainings of so many epochs.

    Attributes:
        space: what varies.
        begin: makes the training of a trial of its values and seed.
        epochs: of a training.
        proposer: gives values.
        rule: pauses; None lets every training end.
        seed: of the study.
        explores: says which slots are quasi-random and run to their end.
    """

    space: Group
    begin: Callable[[dict[str, Value], int], Running]
    epochs: int
    proposer: Proposer
    rule: PausingRule | None = None
    seed: int = 0
    explores: Callable[[int], bool] = lambda slot: slot == 0
    records: list[TrialRecord] = field(default_factory=list)
    spent: int = 0

    def __post_init__(self) -> None:
        """Define the study."""
        settings = StudySettings("simulated", "loss", seed=self.seed, score="last")
        self.definition = StudyDefinition(settings, {}, self.space)
        self._paused: dict[int, Running] = {}
        self.begun = 0

    def history(self) -> History:
        """Give what is known now."""
        return History(self.definition, lambda: list(self.records))

    def run(self, budget: float) -> None:
        """Go on until so many epochs are spent; the last training may exceed them."""
        while self.spent < budget:
            self._one(budget)

    def _one(self, budget: float) -> None:
        earlier = None if self.rule is None else self.rule.take_up(self.history())
        number = len(self.records)
        if earlier is not None:
            slot = earlier.slot or 0
            record = replace(
                earlier,
                number=number,
                attempt=(earlier.attempt or 0) + 1,
                outcome=None,
                earlier=earlier.number,
            )
            running = self._paused.pop(slot)
        else:
            slot = self.begun
            self.begun += 1
            explores = self.explores(slot)
            asked = Slot(slot, explores, attempt=1, draw=0, trial=None, lapsed=False, worker="")
            proposer = Exploration() if explores else self.proposer
            (proposal,) = proposer.propose(self.history(), [asked])
            record = TrialRecord(number, slot, 1, dict(proposal.values), None, None, {}, explores=explores)
            running = self.begin(dict(proposal.values), self.seed * 1000 + slot)
        self.records.append(record)
        self._train(record, running)

    def _train(self, record: TrialRecord, running: Running) -> None:
        curve = dict(record.curve)
        for step in range(len(curve) + 1, self.epochs + 1):
            curve[step] = running.epoch()
            self.spent += 1
            record = self.records[-1] = replace(record, curve=dict(curve))
            if not isfinite(curve[step]):
                self.records[-1] = replace(record, outcome=Outcome.DIVERGED)
                return
            rule = self.rule
            if rule is None or step == self.epochs or not rule.is_due(step, step - 1):
                continue
            if rule.decide(self.history(), record).verdict is Action.PAUSE:
                self._paused[record.slot or 0] = running
                self.records[-1] = replace(record, outcome=Outcome.PAUSED)
                return
        self.records[-1] = replace(record, outcome=Outcome.COMPLETED, score=curve[self.epochs])

    def best(self) -> TrialRecord:
        """Give the completed trial with the best score; without any, that of the best expected end."""
        return best_of(self.records, self.definition.settings)


def best_of(records: Sequence[TrialRecord], settings: StudySettings) -> TrialRecord:
    """Give the completed trial with the best score; without any, that of the best expected end."""
    completed = [record for record in records if record.score is not None]
    if completed:
        return min(completed, key=lambda record: record.score if record.score is not None else inf)
    ends = expected_ends(furthest_attempts(records), settings)
    return min(records, key=lambda record: ends.get(record.number, inf))
