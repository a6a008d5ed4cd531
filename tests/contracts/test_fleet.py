"""The contract of what is known of workers, on every database, from tables of an older version too."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from studies.database import schema
from studies.database.open import Database, open_database
from studies.ledger.fleet.at_work import AT_WORK, GONE, WAITING, FleetWorker, fleet_of
from studies.ledger.fleet.workers import LAUNCH, LEASE, Workers, worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.contracts.servers import database_of_its_own
from tests.studies.samples import sample_definition
from tuner.workers.worker import Heart


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study of four slots."""
    return create(database, sample_definition(), "")


def of(ledger: Ledger, name: str) -> FleetWorker | None:
    """Look at one worker."""
    workers = fleet_of(ledger.database, ledger.slots.ledger).workers
    return next((row for row in workers if row.worker.identifier == name), None)


def test_a_worker_is_shown_with_what_it_trains(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, study, slot, trial, how fast it was, who has started it, in text that every database takes."""
    monkeypatch.setenv(LAUNCH, "slurm:4711:3\x1b[31m\udcff" + "x" * 500)
    monkeypatch.setattr(socket, "gethostname", lambda: "node\n\x1b[2J\u00fc\udcff")
    name = worker_name(1)
    running = ask(ledger, name)
    assert running is not None
    row = of(ledger, name)
    assert row is not None
    assert (row.state, row.loss, row.worker.rate) == (AT_WORK, None, None)
    assert row.worker.host == "node??[2J??"
    assert row.engine is not None
    assert row.engine[0] == "slurm"
    assert row.engine[1].startswith("4711:3?[31m?xxx")
    assert len(row.worker.launch or "") == schema.MARK_LENGTH
    (held,) = row.held
    assert (held.study, held.slot, held.attempt, held.trial) == (ledger.name, 0, 1, running.number)
    assert held.seconds is not None
    assert 0.0 <= held.seconds < 60.0
    assert ledger.slots.renew(running.slot, (6.0, 3.0)).is_held
    row = of(ledger, name)
    assert row is not None
    assert row.worker.rate == 2.0
    running.reports.add(9, 0.5)
    assert tell(ledger, running, Outcome.COMPLETED, 0.5, {})
    row = of(ledger, name)
    assert row is not None
    assert (row.state, row.held) == (WAITING, [])
    assert row.worker.epochs == 9.0
    assert "\\n" not in repr(row.to_data()["host"])


def test_a_worker_that_waits_is_no_worker_that_is_gone(ledger: Ledger) -> None:
    """One without a slot says that it is there; one whose lease has lapsed is gone, and its slot is free."""
    waits, dies = worker_name(1), worker_name(2)
    Heart(Workers(ledger.database.engine), waits, threading.Event()).beat()
    states = {row.worker.identifier: row.state for row in fleet_of(ledger.database).workers}
    assert states[waits] == WAITING
    assert ledger.slots.claim(dies) is not None
    ledger.slots.workers.renew(dies, LEASE - 180.0)
    row = of(ledger, dies)
    assert row is not None
    assert (row.state, row.loss) == (GONE, "gone for 3 minutes, its slot is free")
    assert fleet_of(ledger.database).workers[-1].state == GONE
    assert of(ledger, waits) is None  # it has never had a slot of this study
    for name in (waits, dies):
        ledger.slots.workers.leave(name)


def test_workers_whose_study_was_deleted_hide_no_other(ledger: Ledger, database: Database) -> None:
    """A claim of a study that is gone is passed over."""
    name = worker_name(1)
    assert ledger.slots.claim(name) is not None
    with database.engine.begin() as connection:
        connection.execute(
            sa.update(schema.slots)
            .where(schema.slots.c.ledger == ledger.slots.ledger)
            .values(ledger="nobody's")
        )
    (row,) = (row for row in fleet_of(database).workers if row.worker.identifier == name)
    assert (row.state, row.held) == (WAITING, [])
    ledger.slots.workers.leave(name)


@pytest.fixture
def older(url: str, tmp_path: Path) -> Iterator[str]:
    """Give a database in which version 3 of our tables knows one worker, which holds a slot."""
    if url.startswith("sqlite"):
        _turn_back(f"sqlite:///{tmp_path}/old.db")
        yield f"sqlite:///{tmp_path}/old.db"
    else:
        with database_of_its_own(url) as own:
            _turn_back(own)
            yield own


def _turn_back(url: str) -> None:
    database = open_database(url)
    ledger = create(database, sample_definition(name="old"), "")
    assert ledger.slots.claim("old worker") is not None
    with database.engine.begin() as connection:
        for name in schema.ADDED_TO_WORKERS:
            connection.exec_driver_sql(f"ALTER TABLE tuner_workers DROP COLUMN {name}")
        connection.exec_driver_sql("UPDATE tuner_schema SET version = 3")
    database.engine.dispose()


def test_workers_of_an_older_version_are_shown_and_taken_over(older: str) -> None:
    """Looking at tables of version 3 changes nothing; the first of the new version adds what they lack."""
    database = open_database(older, reading=True)
    (row,) = fleet_of(database).workers
    assert (row.worker.identifier, row.worker.launch, row.worker.rate) == ("old worker", None, None)
    assert [held.study for held in row.held] == ["old"]
    assert schema.version_of(database.engine) == 3
    schema.create_tables(database.engine)
    assert schema.version_of(database.engine) == schema.VERSION
    (row,) = fleet_of(database).workers
    assert row.worker.identifier == "old worker"
    Workers(database.engine).renew("new")
    assert len(fleet_of(database).workers) == 2
    database.engine.dispose()
