"""The contract of trials whose worker dies, stalls or is slow: nothing is lost, and nothing counts twice."""

import time
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial

from search_spaces.space.parameters import default_values
from studies.database.open import Database
from studies.ledger.budgets import Budget
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.slot import Slot
from studies.ledger.slots import Slots
from studies.running.lost import MADE_TWICE, settle, sweep
from studies.running.reporting import STORE_EVERY
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.attributes import claim
from studies.trials.outcomes import Outcome, outcome_of
from tests.studies.lives import begun, end
from tests.studies.samples import SPACE, sample_definition

LAPSED = -1.0  # seconds: a lease that has run out as soon as it is given


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study of four slots, the first of which explores; nothing is retried."""
    return create(database, sample_definition(trials=4, exploration=0.25, retry=False), "source")


@pytest.fixture
def dying(ledger: Ledger) -> Ledger:
    """Give the same study as a worker has it that never renews a lease."""
    slots = Slots(ledger.database.engine, ledger.identifier, ledger.slots.ledger, lease=LAPSED)
    return Ledger(ledger.definition, ledger.study, ledger.identifier, ledger.database, slots)


def test_a_killed_worker_leaves_its_values_to_the_next(ledger: Ledger, dying: Ledger) -> None:
    """The trial of a worker that vanished becomes lost, and the next attempt takes its values up."""
    left = begun(dying)
    again = begun(ledger)
    lost = ledger.trial(left.number)
    assert outcome_of(lost) is Outcome.LOST
    assert lost.user_attrs["cause"] == "its worker stopped renewing its lease"
    assert (again.slot.number, again.slot.attempt) == (left.slot.number, 2)
    assert again.values == left.values
    assert [trial.number for trial in ledger.trials(TrialState.RUNNING)] == [again.number]


def test_a_worker_killed_before_its_trial_leaves_an_open_slot(ledger: Ledger, dying: Ledger) -> None:
    """A claim that was never followed by a trial costs nothing."""
    assert dying.slots.claim("dead") is not None
    assert begun(ledger).slot.number == 0
    assert len(ledger.trials()) == 1


def test_a_trial_that_was_never_assigned_is_found(ledger: Ledger, dying: Ledger) -> None:
    """A worker killed between making its trial and noting it in the slot leaves no trial running."""
    slot = dying.slots.claim("dead")
    assert slot is not None
    orphan = create_trial(
        state=TrialState.RUNNING, user_attrs=claim(ledger.slots.ledger, slot.number, slot.attempt)
    )
    ledger.database.storage.create_new_trial(ledger.identifier, orphan)
    again = begun(ledger)
    assert again.slot.number == slot.number
    assert outcome_of(ledger.trial(0)) is Outcome.LOST
    assert again.values == default_values(SPACE)


@pytest.mark.parametrize(
    ("outcome", "budget"),
    [
        (Outcome.COMPLETED, Budget(open=2, claimed=1, done=1)),
        (Outcome.PREEMPTED, Budget(open=3, claimed=1, done=0)),
        (Outcome.FAILED, Budget(open=3, claimed=1, done=0)),
    ],
)
def test_a_trial_told_while_its_slot_is_taken_counts_once(
    ledger: Ledger, dying: Ledger, outcome: Outcome, budget: Budget
) -> None:
    """A slow worker that tells after another has claimed its slot, but not settled it, is heard."""
    running = begun(dying)
    taken = ledger.slots.claim("taker")
    end(dying, running, outcome)
    assert taken is not None
    settled = settle(ledger, taken)
    assert (settled is None) == (outcome is not Outcome.PREEMPTED)
    following = begun(ledger) if settled is None else None
    assert ledger.slots.budget() == budget
    assert following is None or following.slot.number == (1 if outcome is Outcome.COMPLETED else 0)
    assert following is None or following.values != running.values
    assert outcome_of(ledger.trial(running.number)) is outcome


def test_a_worker_thought_dead_does_not_tell_twice(ledger: Ledger, dying: Ledger) -> None:
    """A slow worker whose slot went to another is stopped and not heard, and the slot is spent once."""
    slow = begun(dying)
    taker = begun(ledger)
    slow.reports.clock = lambda: time.monotonic() + STORE_EVERY
    assert report(slow, 1, 0.5)
    assert not tell(dying, slow, Outcome.COMPLETED, 0.5, {})
    assert outcome_of(ledger.trial(slow.number)) is Outcome.LOST
    assert ledger.slots.budget() == Budget(open=3, claimed=1, done=0)
    end(ledger, taker, Outcome.COMPLETED)
    assert ledger.slots.budget() == Budget(open=3, claimed=0, done=1)


def test_a_trial_that_was_made_twice_blames_no_worker(ledger: Ledger) -> None:
    """Of two trials of one attempt, made because an answer was lost, the untrained one says so."""
    running = begun(ledger)
    template = create_trial(state=TrialState.RUNNING, user_attrs=ledger.trial(running.number).user_attrs)
    ledger.database.storage.create_new_trial(ledger.identifier, template)
    end(ledger, running, Outcome.COMPLETED)
    sweep(ledger)
    other = ledger.trial(1)
    assert (outcome_of(other), other.user_attrs["cause"]) == (Outcome.LOST, MADE_TWICE)
    assert ledger.slots.budget() == Budget(open=3, claimed=0, done=1)


def test_a_claim_lost_while_the_trial_was_made_is_given_up(
    ledger: Ledger, dying: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stalls between claim and trial, until another has its slot, goes on to the next slot."""
    takers: list[Slot | None] = []

    def stalled(*arguments: Any) -> Any:
        if not takers:
            takers.append(ledger.slots.claim("another"))
        return claim(*arguments)

    monkeypatch.setattr("studies.running.asking.claim", stalled)
    running = begun(dying)
    assert takers[0] is not None
    assert takers[0].number == 0
    assert running.slot.number == 1
    assert [trial.number for trial in ledger.trials()] == [running.number]  # none was made for the other
