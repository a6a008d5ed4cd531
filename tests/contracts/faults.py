"""Faults between any two statements: a process killed there, or an answer that is lost."""

import os
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pymysql
import sqlalchemy
from optuna.trial import TrialState
from sqlalchemy import event

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.ledger.slots import Slots
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import pruner_of, report
from studies.trials.outcomes import EFFECTS, Outcome, outcome_of

LAPSED = -1.0  # seconds: a lease that has run out as soon as it is given
VALIDATIONS = 3


def answer_killed(url: str, name: str, at: int) -> bool:
    """Answer a study until the process is killed by its own hand, before statement or commit number `at`.

    Returns: True, where there were not as many.
    """
    database = open_database(url)
    ledger = open_ledger(database, name)
    # The lease lapses at once, so that the next worker need not wait for it.
    slots = Slots(database.engine, ledger.identifier, ledger.slots.ledger, lease=LAPSED)
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    event.listen(database.engine, "before_cursor_execute", step)
    event.listen(database.engine, "commit", step)
    answer(replace(ledger, slots=slots))
    return True


def answer(ledger: Ledger) -> None:
    """Answer trials until there is no slot, in turn preempted, completed and pruned."""
    ledger.study.pruner = pruner_of(ledger)
    endings = [Outcome.PREEMPTED, Outcome.COMPLETED, Outcome.PRUNED]
    turn = 0
    while (running := ask(ledger, f"worker:{os.getpid()}")) is not None:
        for step in range(1, VALIDATIONS + 1):
            report(running, step, 1.0 / step)
        outcome = endings[turn % len(endings)]
        tell(ledger, running, outcome, 1.0 if outcome is Outcome.COMPLETED else None, {"cause": "why"})
        turn += 1


def check_exact(ledger: Ledger, budget: int) -> None:
    """Assert from the database alone: the budget is spent, each slot once, every attempt can be traced."""
    spent = ledger.slots.budget()
    assert (spent.open, spent.claimed, spent.done) == (0, 0, budget)
    attempts: dict[int, list[Any]] = defaultdict(list)
    for trial in ledger.trials():
        assert trial.state is not TrialState.RUNNING
        attempts[trial.user_attrs["slot"]].append(trial)
    assert sorted(attempts) == list(range(budget))
    for trials in attempts.values():
        outcomes = [outcome for trial in trials if (outcome := outcome_of(trial)) is not None]
        assert sum(EFFECTS[outcome].spends_slot for outcome in outcomes) == 1
        assert all(trial.user_attrs["attempt"] and trial.user_attrs["worker"] for trial in trials)
        known = {trial.number for trial in trials}
        assert all(trial.user_attrs.get("earlier", trial.number) in known for trial in trials)


@contextmanager
def lost_answers(engine: sqlalchemy.Engine, at: int) -> Iterator[list[int]]:
    """Let commit number `at` succeed and its answer be lost; the list counts the commits."""
    commit, commits = engine.dialect.do_commit, [0]

    def lose(connection: Any) -> None:
        commit(connection)
        commits[0] += 1
        if commits[0] == at + 1:
            raise _lost(engine)

    engine.dialect.do_commit = lose  # type: ignore[method-assign]
    try:
        yield commits
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]


def _lost(engine: sqlalchemy.Engine) -> Exception:
    match engine.dialect.name:
        case "postgresql":
            return psycopg.OperationalError("server closed the connection unexpectedly")
        case "mysql" | "mariadb":
            return pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")
        case _:
            return sqlite3.OperationalError("database is locked")
