"""The contract of whatever dies or goes away: the budget is spent exactly, on every database."""

import multiprocessing
import sqlite3

import pytest
import sqlalchemy.exc

from studies.database.open import Database
from studies.database.retry import persistently
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from tests.contracts.faults import answer, answer_killed, check_exact, lost_answers
from tests.studies.samples import sample_definition

SLOTS = 1  # whose first attempt is preempted
# Statements between two kills, commits between two lost ones; tests/benchmarks/fault_injection.py takes each.
KILLS, LOSSES = 29, 8
FORKSERVER = multiprocessing.get_context("forkserver")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study."""
    return create(database, sample_definition(trials=SLOTS), "")


def test_a_worker_killed_between_two_statements_costs_an_attempt(url: str, database: Database) -> None:
    """Wherever a worker is killed, the next one finishes each slot once, and what it left can be traced."""
    for at in range(0, 10_000, KILLS):
        ledger = create(database, sample_definition(trials=SLOTS), "")
        process = FORKSERVER.Process(target=answer_killed, args=(url, ledger.name, at))
        process.start()
        process.join()
        answer(ledger)
        check_exact(ledger, SLOTS)
        if process.exitcode == 0:
            break
    assert at > 3 * KILLS


def test_an_answer_that_is_lost_is_not_repeated(
    ledger: Ledger, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was committed though nobody heard so counts once: claims, trials, scores and ends."""
    monkeypatch.setattr("optuna.storages._rdb.storage.time.sleep", lambda _: None)
    with lost_answers(database.engine, -1) as commits:
        answer(ledger)
    check_exact(ledger, SLOTS)
    for at in range(0, commits[0], LOSSES):
        again = create(database, sample_definition(trials=SLOTS), "")
        with lost_answers(database.engine, at):
            answer(again)
        check_exact(again, SLOTS)


def test_patience_has_an_end() -> None:
    """A database that stays away is given up after a bound, with the error that it gave."""
    now, pauses = [0.0], []

    def call() -> None:
        raise sqlalchemy.exc.OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    with pytest.raises(sqlalchemy.exc.OperationalError):
        persistently(call, patience=60.0, clock=lambda: now[0], sleep=sleep)
    assert 50.0 < sum(pauses) <= 60.0
    assert max(pauses) <= 10.0
    assert pauses[0] <= 0.1


def test_an_error_that_stays_is_raised_at_once() -> None:
    """What waiting cannot mend is not waited for."""

    def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        persistently(call, sleep=lambda _: pytest.fail("it waited"))
