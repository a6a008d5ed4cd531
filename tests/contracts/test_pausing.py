"""The contract of paused trials: each epoch once, the budget exact, whoever takes up whom and who dies."""

from dataclasses import replace

import pytest

from studies.database.open import Database
from studies.ledger.budgets import Budget
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.proposing.proposer import Origin
from studies.proposing.stop_rule import Action
from studies.report.sections.decisions.searched import searched
from studies.report.subject import subject_of_ledger
from studies.running.asking import ask
from studies.running.pausing import close_paused
from studies.running.telling import tell
from studies.running.trial import RunningTrial, carry_on, report
from studies.trials.outcomes import Outcome
from tests.contracts.faults import LAPSED
from tests.studies.samples import sample_definition
from tuner.api.study import Study

EPOCHS = 9  # of the sample
PRUNER = {"class_path": "studies.proposing.pausing.PausingPruner", "init_args": {"rungs": 2}}  # at 3 and 6
TRIALS = 8


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study that pauses trials, two of which explore."""
    return create(database, sample_definition(trials=TRIALS, exploration=0.25, pruner=PRUNER), "")


def go_on(ledger: Ledger, running: RunningTrial, until: int = EPOCHS) -> None:
    """Train by a formula of the slot: all that the trial may."""
    done = {}
    if running.slot.trial is not None:
        done = dict(ledger.trial(running.slot.trial).intermediate_values)
        carry_on(running, done)
    for step in range(len(done) + 1, until + 1):
        action = report(running, step, loss(running.slot.number, step))
        if action:
            outcome = {Action.PAUSE: Outcome.PAUSED, Action.STOP: Outcome.PRUNED}[action]
            assert tell(ledger, running, outcome, None, {})
            return
    if until == EPOCHS:
        assert tell(ledger, running, Outcome.COMPLETED, loss(running.slot.number, EPOCHS), {})


def loss(slot: int, step: int) -> float:
    """Give the loss of a slot: good ones and bad ones in turns, which begin alike; later slots are worse."""
    return 1.0 / step + 0.01 * (slot * 5 % TRIALS) * step + slot // TRIALS


def finish(ledger: Ledger, workers: int = 1, trials: int = TRIALS) -> None:
    """Have workers go on in turns until the study is over."""
    while True:
        running = [one for n in range(workers) if (one := ask(ledger, f"worker {n}")) is not None]
        if not running and not close_paused(ledger):
            break
        for one in running:
            go_on(ledger, one)
    assert ledger.over() == f"all its {trials} slots are spent"


@pytest.mark.parametrize("workers", [1, 3])
def test_no_epoch_is_trained_twice_and_no_slot_spent_twice(ledger: Ledger, workers: int) -> None:
    """A trial goes on behind its curve, epochs are paid once, and nobody who should go on is left."""
    finish(ledger, workers)
    records = ledger.records()
    furthest = {record.slot: record for record in records}
    assert len(furthest) == TRIALS
    for record in records:
        assert record.curve == {
            step: loss(record.slot or 0, step) for step in range(1, max(record.curve) + 1)
        }
        assert record.outcome in {Outcome.PAUSED, Outcome.COMPLETED}
        if record.attempt != 1:
            assert record.origin == Origin.CONTINUED.value
            assert record.values == records[record.earlier or 0].values
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=TRIALS)
    status = status_of(ledger)
    assert status.epochs == sum(max(record.curve) for record in furthest.values()) < TRIALS * EPOCHS
    waiting = [record for record in furthest.values() if record.outcome is Outcome.PAUSED]
    assert status.trials["paused"] == len(waiting)
    assert status.trials["complete"] == TRIALS - len(waiting) > 0
    for rung in (3, 6):
        there = sorted((r for r in furthest.values() if rung in r.curve), key=lambda r: r.curve[rung])
        for record in there[: len(there) // 2]:
            assert max(record.curve) > rung, "it is among the best half of its rung, and was left there"


def test_a_paused_trial_is_taken_up_by_one_worker(ledger: Ledger) -> None:
    """Of two that want the same one the second gets nothing; nor does one that saw an earlier attempt."""
    slot = ledger.slots.claim("first")
    assert slot is not None
    with ledger.database.engine.begin() as connection:
        assert ledger.slots.pause_within(connection, slot)
    assert ledger.slots.budget() == Budget(open=TRIALS - 1, claimed=0, paused=1, done=0)
    assert ledger.slots.take_up(slot.number, slot.attempt + 1, "mistaken") is None
    taken = ledger.slots.take_up(slot.number, slot.attempt, "second")
    assert taken is not None
    assert (taken.number, taken.attempt, taken.lapsed) == (slot.number, 2, False)
    assert ledger.slots.take_up(slot.number, slot.attempt, "third") is None
    ledger.slots.control.stop("drain")
    with ledger.database.engine.begin() as connection:
        assert ledger.slots.pause_within(connection, taken)
    assert ledger.slots.take_up(slot.number, taken.attempt, "late") is None


def test_a_worker_that_dies_while_it_goes_on_costs_an_attempt(ledger: Ledger) -> None:
    """The next one goes on with the same values, and passes the rung where the trial had been taken up."""
    while (running := ask(ledger, "alive")) is not None and running.slot.attempt == 1:
        go_on(ledger, running)
    assert running is not None
    ledger.slots.lease = LAPSED
    ledger.slots.renew(running.slot)
    ledger.slots.lease = 60.0
    taken = ask(ledger, "next")
    assert taken is not None
    assert (taken.slot.number, taken.slot.attempt) == (running.slot.number, 3)
    assert taken.values == running.values
    assert taken.reports.passed == 3
    assert not any(report(taken, step, 99.0) for step in (1, 2, 3))  # it began anew, and lost its rank
    assert tell(ledger, taken, Outcome.LOST, None, {})
    finish(ledger)
    assert sum(record.outcome is Outcome.LOST for record in ledger.records()) == 2  # and `running`


def test_what_waits_when_a_limit_is_reached_goes_on_when_it_is_raised(database: Database) -> None:
    """A study whose epochs are spent takes nothing up; with more epochs it does."""
    definition = sample_definition(trials=TRIALS, exploration=0.0, pruner=PRUNER, epochs=12)
    ledger = create(database, definition, "")
    while (running := ask(ledger, "worker")) is not None:
        go_on(ledger, running)
    assert ledger.over() == "its 12 epochs are spent"
    assert not close_paused(ledger)
    with database.engine.begin() as connection:
        ledger.slots.control.open_within(connection, replace(definition.settings, epochs=None))
    finish(ledger)


def test_a_study_that_is_given_more_slots_ends_again(ledger: Ledger) -> None:
    """Trials whose slots are closed are among the best now, and nobody waits for them to be taken up."""
    finish(ledger)
    ledger.slots.grow(2 * TRIALS, exploration=0.0)
    finish(ledger, trials=2 * TRIALS)
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=2 * TRIALS)


def test_the_report_counts_each_slot_and_each_validation(ledger: Ledger) -> None:
    """What was paused and has gone on counts by whoever proposed it, once."""
    finish(ledger)
    found = searched(subject_of_ledger(ledger))
    assert found is not None
    assert sum(row.trials for row in found.rows) == TRIALS
    assert found.validations == status_of(ledger).epochs


def test_a_program_is_not_kept_waiting_by_paused_trials(ledger: Ledger) -> None:
    """Where workers have left paused trials behind, `Study.ask` takes up the best and closes the others."""
    while (running := ask(ledger, "worker")) is not None and running.slot.attempt == 1:
        go_on(ledger, running)
    assert running is not None
    go_on(ledger, running)
    study = Study(ledger, "")
    while (trial := study.ask()) is not None:
        study.tell(trial, 0.5)
    assert ledger.over() == f"all its {TRIALS} slots are spent"
    assert ledger.slots.budget().paused == 0
