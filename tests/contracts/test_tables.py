"""The contract of our tables: a database of version 2 goes on, and its workers do no harm."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from studies.database.open import Database, open_database
from studies.database.schema import create_tables, slots
from studies.ledger.budgets import Budget
from studies.ledger.slots import Slots
from tests.contracts.servers import database_of_its_own

VERSION_2 = Path(__file__).parents[1] / "studies" / "database" / "frozen" / "tables-2-ours.sql"
OLD = "old"  # the ledger of its only study: slots done, claimed by a dead worker, by a live one, open


@pytest.fixture
def old(url: str, tmp_path: Path) -> Iterator[Database]:
    """Give a database that version 2 of our tables was written to, by a study of four slots."""
    if url.startswith("sqlite"):
        yield from _of_version_2(f"sqlite:///{tmp_path}/old.db")
    else:
        with database_of_its_own(url) as own:
            yield from _of_version_2(own)


def _of_version_2(url: str) -> Iterator[Database]:
    database = open_database(url)
    with database.engine.begin() as connection:
        for statement in VERSION_2.read_text(encoding="utf-8").split(";")[:-1]:
            connection.exec_driver_sql(statement)
        # What makes a study ours, in Optuna's tables.
        connection.exec_driver_sql("insert into studies (study_id, study_name) values (7, 'old')")
        connection.exec_driver_sql(
            "insert into study_user_attributes (study_id, key_, value_json) values "
            "(7, 'tuner:ledger', '\"old\"')".replace("key_", _quoted(connection, "key"))
        )
    create_tables(database.engine)
    yield database
    database.engine.dispose()


def _quoted(connection: sqlalchemy.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def test_a_database_of_version_2_goes_on(old: Database) -> None:
    """What is done stays done, a lapsed claim is free, and one that an old worker renews is not."""
    ours = Slots(old.engine, 7, OLD)
    assert ours.budget() == Budget(open=1, claimed=2, done=1)
    claimed = [ours.claim("new") for _ in range(3)]
    assert [(slot.number, slot.attempt, slot.lapsed) for slot in claimed if slot] == [
        (1, 2, True),
        (3, 1, False),
    ]
    ours.grow(6, 0.5)
    assert ours.budget() == Budget(open=2, claimed=3, done=1)
    more = [ours.claim("new") for _ in range(3)]
    assert [(slot.number, slot.explore) for slot in more if slot] == [(4, True), (5, False)]


def test_a_worker_of_version_2_takes_no_claim_of_ours(old: Database) -> None:
    """An old worker that still runs judges by the lease of a slot: ours has none, so it never lapses."""
    claimed = Slots(old.engine, 7, OLD, lease=-1.0).claim("new")
    assert claimed is not None
    with old.engine.connect() as connection:
        lapsed = sqlalchemy.select(slots.c.slot).where(slots.c.state == "claimed", slots.c.lease < 2e9)
        assert connection.scalars(lapsed).all() == []
