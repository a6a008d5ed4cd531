"""Our own tables beside Optuna's, their version, and the way from an older version to this one."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from search_spaces.errors import first_line
from studies.database.identity import ledgers
from studies.database.retry import is_passing, persistently
from studies.errors import StorageError

VERSION = 4  # of these tables; 1 had the slots only, 2 a row for every slot, 3 knew less of a worker
OPEN, CLAIMED, PAUSED, DONE = "open", "claimed", "paused", "done"  # states of a slot
NAME_LENGTH = 128  # characters that a worker's name may have
MARK_LENGTH = 200  # characters that what an engine calls a worker may have

_metadata = sa.MetaData()
slots = sa.Table(
    "tuner_slots",
    _metadata,
    sa.Column("ledger", sa.String(32), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("explore", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, default=OPEN),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),  # claims so far
    sa.Column("draw", sa.Integer, nullable=False, default=0),  # suggestions given up after a user's error
    sa.Column("trial", sa.Integer),  # number of the trial that runs, ran last, or spent the slot
    sa.Column("worker", sa.String(NAME_LENGTH)),  # who claimed it last
    # Of a claim by version 2, whose workers renew it here. Ours have none, so those never take them.
    sa.Column("lease", sa.Double),
    sa.Column("token", sa.String(32)),  # of the claim that holds the slot
    sa.Column("seconds", sa.Double, nullable=False, server_default="0"),  # of training, in all attempts
    sa.Column("epochs", sa.Double, nullable=False, server_default="0"),
    sa.Index("tuner_slots_by_state", "ledger", "state", "slot"),
)
# Workers that have not left in order. Times are seconds since the epoch by the database's clock.
workers = sa.Table(
    "tuner_workers",
    _metadata,
    sa.Column("worker", sa.String(NAME_LENGTH), primary_key=True),
    sa.Column("host", sa.String(NAME_LENGTH), nullable=False),
    sa.Column("process", sa.BigInteger, nullable=False),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("lease", sa.Double, nullable=False),  # until when it holds its slots
    sa.Column("launch", sa.String(MARK_LENGTH)),  # by which engine it was started, and what that calls it
    # What its trial has trained so far, or its last one had, and the seconds that this took.
    sa.Column("epochs", sa.Double),
    sa.Column("seconds", sa.Double),
)
# How many slots a study has: a row for each time that the number was raised. The rows of slots are made as
# they are claimed, so a study of 10**10 trials costs no more than one of ten.
budgets = sa.Table(
    "tuner_budgets",
    _metadata,
    sa.Column("ledger", sa.String(32), primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),  # slot of this raise
    sa.Column("total", sa.BigInteger, nullable=False),  # of slots since then
    sa.Column("exploring", sa.BigInteger, nullable=False),  # the slots of this raise before this one explore
)
# Whether a study takes new trials, and its limits; a row each.
studies = sa.Table(
    "tuner_studies",
    _metadata,
    sa.Column("ledger", sa.String(32), primary_key=True),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stop", sa.String(8)),  # how it was stopped; null while it is open
    sa.Column("epochs", sa.Double),  # limits; null where there is none
    sa.Column("hours", sa.Double),
)
_schema = sa.Table(
    "tuner_schema", _metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
)
WITH_WORKERS = 3  # the version from which on workers have a table
ADDED_TO_WORKERS = ("launch", "epochs", "seconds")  # columns that came behind it
# Columns that tables of a version lack.
_ADDED = ((1, slots, ("token", "seconds", "epochs")), (WITH_WORKERS, workers, ADDED_TO_WORKERS))


def create_tables(engine: sa.Engine) -> None:
    """Make our tables where the database lacks them, or bring older ones up to date.

    Any number of processes may do so at once.

    Raises:
        StorageError: a newer version of us made the tables, or an older one did and they may not be changed.
    """
    persistently(lambda: _bring_up_to_date(engine))


def _bring_up_to_date(engine: sa.Engine) -> None:
    present = version_of(engine)
    if present == VERSION:
        return
    if present > VERSION:
        raise StorageError(
            f"The database was written by a newer interplay-tuner (its tables have version {present}, this "
            f"one knows {VERSION}); upgrade it here: pip install -U interplay-tuner."
        )
    try:
        _change(engine, present)
    except DBAPIError as error:
        if not present or is_passing(error):
            raise
        raise StorageError(
            f"The database was written by an older interplay-tuner (its tables have version {present}, this "
            f"one needs {VERSION}), and may not be changed here ({first_line(error.orig or error)}); type "
            f"`tuner list` once as a role that may."
        ) from error


def _change(engine: sa.Engine, present: int) -> None:
    for version, table, names in _ADDED:
        for name in names if present == version else ():
            _add(engine, table.c[name])
    try:
        _metadata.create_all(engine)
    except DBAPIError:  # another process has made some of them
        there = sa.inspect(engine)
        if not all(there.has_table(name) for name in _metadata.tables):
            raise
    if 0 < present < WITH_WORKERS:
        _fill(engine, present)
    # Last, so that whoever is killed on the way leaves it to the next to finish.
    _insert(engine, _schema, version=VERSION)


def version_of(engine: sa.Engine) -> int:
    """Give the version of our tables in a database; 0 where it has none."""
    there = sa.inspect(engine)
    if there.has_table(_schema.name):
        with engine.connect() as connection:
            version = connection.scalar(sa.select(sa.func.max(_schema.c.version)))
        if version is not None:
            return int(version)
    return 1 if there.has_table(slots.name) else 0


def _fill(engine: sa.Engine, present: int) -> None:
    """Say in the tables that an older version lacked what its own tables imply."""
    if present == 1:
        for ledger in ledgers(engine):
            _insert(engine, studies, ledger=ledger)
    for ledger, total in _counted(engine):
        _insert(engine, budgets, ledger=ledger, first=0, total=total, exploring=0)


def _counted(engine: sa.Engine) -> list[tuple[str, int]]:
    """Count the slots of each study of an older version, which had a row for every slot."""
    counting = sa.select(slots.c.ledger, sa.func.count()).group_by(slots.c.ledger)
    with engine.connect() as connection:
        return [(ledger, total) for ledger, total in connection.execute(counting)]


def _add(engine: sa.Engine, column: sa.Column[Any]) -> None:
    """Add a column to its table, unless it is there."""
    if _has(engine, column):
        return
    written = sa.schema.CreateColumn(column).compile(dialect=engine.dialect)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {written}")
    except DBAPIError:
        if not _has(engine, column):  # else another process has added it
            raise


def _has(engine: sa.Engine, column: sa.Column[Any]) -> bool:
    return any(
        present["name"] == column.name for present in sa.inspect(engine).get_columns(column.table.name)
    )


def _insert(engine: sa.Engine, table: sa.Table, **row: Any) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(**row))
    except DBAPIError:
        with engine.connect() as connection:
            there = sa.select(sa.func.count()).where(*(table.c[key] == value for key, value in row.items()))
            if not connection.scalar(there):  # else another process has inserted it
                raise
