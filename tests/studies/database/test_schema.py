"""Our tables: a database of an older version goes on as if it were new, one of a newer version is refused."""

import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from studies.database.open import open_database
from studies.database.schema import VERSION, create_tables
from studies.errors import StorageError
from studies.ledger.budgets import Budget
from studies.ledger.control import Spent
from studies.ledger.opening import open_ledger
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome, outcome_of

FROZEN = Path(__file__).parent / "frozen"  # in each four trials that ended and one left running


@pytest.fixture(params=[1, 2])
def old(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Give the URL of a database that an older version of the tables was written to."""
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.executescript((FROZEN / f"tables-{request.param}.sql").read_text(encoding="utf-8"))
    return f"sqlite:///{tmp_path}/old.db"


def test_a_study_of_older_tables_goes_on(old: str) -> None:
    """What was spent stays spent, what was left running is lost, and the rest of the budget is answered."""
    ledger = open_ledger(open_database(old), "frozen")
    assert ledger.slots.budget() == Budget(open=2, claimed=1, done=3)
    spent = ledger.slots.control.spent()
    assert spent in (Spent(0.0, 0.0, None, None), Spent(4.0, spent.hours, None, 2.0))
    assert ledger.over() is None
    while (running := ask(ledger, "worker")) is not None:
        assert tell(ledger, running, Outcome.COMPLETED, 1.0, {})
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=6)
    assert Counter(outcome_of(trial) for trial in ledger.trials()) == {
        Outcome.COMPLETED: 4,
        Outcome.DIVERGED: 1,
        Outcome.PRUNED: 1,
        Outcome.PREEMPTED: 1,
        Outcome.LOST: 1,
    }
    assert ledger.slots.control.spent().hours > 0


def test_processes_that_migrate_at_once_do_it_once(old: str) -> None:
    """Workers that meet an old database together all find it up to date."""
    engines = [open_database(old).engine for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create_tables, engines))
    with engines[0].connect() as connection:
        assert connection.exec_driver_sql("select max(version) from tuner_schema").scalar() == VERSION
        studies = connection.exec_driver_sql("select count(distinct ledger) from tuner_slots").scalar()
        assert connection.exec_driver_sql("select count(*) from tuner_studies").scalar() == studies
        assert connection.exec_driver_sql("select count(*) from tuner_budgets").scalar() == studies
    for engine in engines:
        engine.dispose()


def test_a_database_of_a_newer_version_is_refused(old: str) -> None:
    """Tables that a newer version made are left alone, and the remedy is to upgrade."""
    engine = sqlalchemy.create_engine(old)
    create_tables(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("insert into tuner_schema values (?)", (VERSION + 1,))
    with pytest.raises(StorageError, match=rf"version {VERSION + 1}, this one knows {VERSION}\); upgrade"):
        create_tables(engine)
    engine.dispose()
