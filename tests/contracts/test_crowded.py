"""The contract of a crowd: many workers behind a PgBouncer that restarts, or with no connection left."""

import threading
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.engine import make_url

from studies.database import open as opening
from studies.database.dialects import dialect_named
from studies.database.open import open_database
from studies.ledger.making import create
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.bouncer import IS_THERE, bouncer
from tests.contracts.crowd import crowd
from tests.contracts.faults import check_exact
from tests.contracts.many_workers import Pace
from tests.studies.samples import sample_definition

WORKERS, EACH, SLOTS = 40, 10, 60
PATIENCE = 300.0  # seconds
PACE = Pace(trial=2.0, validations=2, start=0.1, lease=6.0, renewal=1.5)
RANDOM = {"class_path": "optuna.samplers.RandomSampler", "init_args": {}}


@pytest.mark.skipif(not IS_THERE, reason="no pgbouncer is installed here (Debian's package pgbouncer)")
def test_a_crowd_behind_a_bouncer_spends_each_slot_once(postgresql_url: str, tmp_path: Path) -> None:
    """Of forty workers on three connections ten are killed (-9), and PgBouncer restarts: an exact budget."""
    database = open_database(postgresql_url)
    ledger = create(database, sample_definition(trials=SLOTS, sampler=RANDOM), "")
    with (
        bouncer(postgresql_url, servers=3, clients=4 * WORKERS) as between,
        crowd(between.url, ledger.name, PACE, tmp_path, each=EACH) as people,
    ):
        people.add(WORKERS)
        people.until(lambda: ledger.slots.budget().open <= SLOTS - 2 * EACH, PATIENCE)
        assert people.lose() == EACH
        between.restart()
        assert people.wait(PATIENCE)
        assert not [what for what in people.times() if what.startswith("dead")]
    check_exact(ledger, SLOTS)
    assert any(outcome_of(trial) is Outcome.LOST for trial in ledger.trials())
    database.engine.dispose()


def test_a_server_without_a_connection_left_is_waited_for(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that begins while others hold every connection says so, waits, and does not die."""
    monkeypatch.setattr(opening, "_RESTART", 0.1)
    administrator = sqlalchemy.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    url = make_url(postgresql_url).set(username="crowded")
    where = {"host": url.query["host"], "port": url.query["port"], "dbname": url.database}
    with administrator.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 2")
        connection.exec_driver_sql("GRANT ALL ON SCHEMA public TO crowded")
        connection.exec_driver_sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO crowded")
    try:
        held = [psycopg.connect(user="crowded", **where) for _ in range(2)]
        heard = threading.Event()
        monkeypatch.setattr(opening._LOG, "warning", lambda *_: heard.set())
        found: list[object] = []

        def begin() -> None:
            database = open_database(url.render_as_string())
            found.append(database)
            database.engine.dispose()

        worker = threading.Thread(target=begin)
        worker.start()
        assert heard.wait(30.0)
        for connection in held:
            connection.close()
        worker.join(30.0)
        assert len(found) == 1
    finally:
        with administrator.connect() as connection:
            connection.exec_driver_sql("DROP OWNED BY crowded")
            connection.exec_driver_sql("DROP ROLE crowded")
        administrator.dispose()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("postgresql", psycopg.OperationalError("FATAL:  sorry, too many clients already")),
        ("postgresql", psycopg.OperationalError("FATAL:  remaining connection slots are reserved for roles")),
        ("postgresql", psycopg.OperationalError("FATAL:  no more connections allowed (max_client_conn)")),
        ("mysql", Exception(1040, "Too many connections")),
    ],
)
def test_a_server_says_that_it_is_full(name: str, error: Exception) -> None:
    """What servers say where their connections are used up is told from other failures."""
    dialect = dialect_named(name)
    assert dialect is not None
    assert dialect.is_full(error)
    assert not dialect.is_full(psycopg.OperationalError("FATAL:  password authentication failed"))
