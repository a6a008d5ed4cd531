"""The contract of trials that were left in studies on which nobody works any more."""

import sqlalchemy as sa
from optuna.trial import TrialState

from studies.database import schema
from studies.database.identity import DEFINITION
from studies.database.open import Database
from studies.ledger.absent import GIVEN_UP
from studies.ledger.control import DRAINED
from studies.ledger.fleet.workers import LEASE
from studies.ledger.making import create
from studies.running.abandoned import settle_abandoned
from studies.running.asking import ask
from studies.trials.outcomes import Outcome, outcome_of
from tests.studies.samples import sample_definition

SILENT = (0.0, LEASE + 60.0, GIVEN_UP + 60.0)  # seconds for which the workers of three trials said nothing


def test_no_trial_that_was_left_long_ago_runs_for_good(database: Database) -> None:
    """In a stopped study a trial is lost whose worker went away long ago, none whose worker may return."""
    ledger = create(database, sample_definition(trials=3), "")
    ledger.slots.control.open(ledger.definition.settings)
    for number in range(len(SILENT)):
        assert ask(ledger, f"worker {number}") is not None
    ledger.slots.control.stop(DRAINED)
    workers = schema.workers
    with database.engine.begin() as connection:
        for number, seconds in enumerate(SILENT):
            silent = sa.update(workers).where(workers.c.worker == f"worker {number}")
            connection.execute(silent.values(lease=workers.c.lease - seconds))
    settle_abandoned(database)
    states = [trial.state for trial in ledger.trials()]
    assert states == [TrialState.RUNNING, TrialState.RUNNING, TrialState.FAIL]
    assert outcome_of(ledger.trial(2)) is Outcome.LOST
    assert (ledger.slots.budget().done, ledger.slots.budget().claimed) == (0, 3)
    ledger.slots.control.open()
    again = [ask(ledger, "another worker") for _ in SILENT[1:]]
    assert [left.values for left in again if left] == [ledger.trial(at).params for at in (1, 2)]


def test_no_damaged_study_keeps_others_from_being_settled(database: Database) -> None:
    """A study whose definition cannot be read is left alone, and those beside it are settled."""
    ledgers = [create(database, sample_definition(trials=1), "") for _ in range(2)]
    for ledger in ledgers:
        assert ask(ledger, "worker") is not None
    ledgers[0].study.set_user_attr(DEFINITION, "damaged")
    with database.engine.begin() as connection:
        connection.execute(sa.update(schema.workers).values(lease=schema.workers.c.lease - GIVEN_UP - LEASE))
    settle_abandoned(database)
    assert outcome_of(ledgers[1].trial(0)) is Outcome.LOST
    assert [trial.state for trial in ledgers[0].trials()] == [TrialState.RUNNING]
