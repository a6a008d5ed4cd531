"""What a repeatable study hides from a slot, and what is known of it all the same."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.joint.hidden import hidden_before
from studies.proposing.joint.places import SAME
from studies.proposing.model import JointModel
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History, Proposal
from studies.surrogate.domain import domain_of
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.studies.analysis.known_functions import random_flat
from tests.studies.proposing.test_model import value_of

SLOTS = 22


@pytest.mark.parametrize("window", [1, 2, 4])
def test_what_runs_beside_a_slot_is_known_and_not_proposed_again(window: int) -> None:
    """The hidden slots hold exactly what was proposed for them, and none is another again."""
    known = random_flat(5)
    domain = domain_of(known.space)
    settings = StudySettings("hidden", "value", repeatable=window)
    definition = StudyDefinition(settings, {}, known.space)
    records: list[TrialRecord] = []
    for number in range(SLOTS):
        slot = Slot(number, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        seen = History(definition, lambda number=number: records[: max(number - window + 1, 0)])  # type: ignore[misc]
        hidden = hidden_before(seen, slot, _alone)
        assert [record.values for record in hidden] == [
            record.values for record in records[len(seen.records) :]
        ]
        (proposal,) = JointModel().propose(seen, [slot])
        score = value_of(known, domain, proposal.values)
        records.append(
            TrialRecord(number, number, 1, dict(proposal.values), Outcome.COMPLETED, score, {1: score})
        )
    late = np.array([list(record.values.values()) for record in records[10:]], dtype=float)
    assert min(np.abs(one - other).max() for one, other in pairwise(late)) > SAME


def _alone(history: History, slot: Slot) -> Proposal:
    return JointModel().propose(history, [slot])[0]


def test_a_study_that_is_not_repeatable_hides_nothing() -> None:
    """Nothing is proposed twice for it."""
    known = random_flat(5)
    definition = StudyDefinition(StudySettings("shown", "value"), {}, known.space)
    slot = Slot(9, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
    asked: list[Slot] = []

    def propose(history: History, slot: Slot) -> Proposal:
        asked.append(slot)
        return _alone(history, slot)

    assert hidden_before(History(definition, list), slot, propose) == []
    shown = replace(definition, settings=replace(definition.settings, repeatable=3))
    assert [record.slot for record in hidden_before(History(shown, list), slot, propose)] == [7, 8]
    assert [one.number for one in asked] == [7, 8]


def test_a_hidden_slot_that_explores_holds_its_quasi_random_point() -> None:
    """What it is has nothing to do with the model, and nobody is asked for it."""
    known = random_flat(5)
    definition = StudyDefinition(StudySettings("explored", "value", repeatable=4), {}, known.space)
    history = History(definition, list, lambda first, end: frozenset({8} & set(range(first, end))))
    slot = Slot(10, explore=False, attempt=1, draw=0, trial=None, lapsed=False, worker="")
    hidden = hidden_before(history, slot, _alone)
    assert [record.slot for record in hidden] == [7, 8, 9]
    (point,) = Exploration().propose(history, [replace(slot, number=8, explore=True)])
    assert hidden[1].values == point.values
