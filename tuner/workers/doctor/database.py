"""The database: whether it answers, how fast, what this role may do there, its tables, its clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from studies.database import schema
from studies.database.clock import now
from studies.database.dialects.sqlite_file import network_file_system
from studies.database.open import probing_engine, reason_of, shown_url
from studies.errors import StorageError
from studies.ledger.absent import in_words
from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Check, Finding

ROUNDS = 7  # round trips that are measured
SLOW = 0.1  # seconds of a round trip; a trial of thirty validations takes a dozen transactions
APART = 60.0  # seconds between two clocks, beyond which one of them is not set
TRY = "tuner-doctor"  # the worker that is entered, and taken back


@contextmanager
def _connected(asked: Asked) -> Iterator[sa.Connection]:
    """Connect to the database.

    Raises:
        StorageError: it refuses.
    """
    engine = probing_engine(asked.url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        said = reason_of(engine.url, error)
        raise StorageError(
            f"{shown_url(engine.url)} does not do what it is asked: {said}; {_remedy(said)}."
        ) from error
    finally:
        engine.dispose()


def _remedy(said: str) -> str:
    if "not a database" in said:
        return "name another file by --storage"
    if "password" in said.lower() or "denied" in said.lower():
        return "look at user and password: ~/.pgpass, PGPASSWORD, or in the URL of --storage"
    return "look at host, port and name in --storage, and whether the server runs"


def _answers(asked: Asked) -> Finding:
    """Look whether it answers, and how fast."""
    file = _sqlite_file(asked)
    if file is not None and not file.exists():
        todo = "tuner run STUDY makes it; --storage URL names another"
        found = f"there is no database {file} yet"
        if asked.study is None:
            return Finding(NOTE, found, todo, is_end=True)
        return Finding(WRONG, f"{found}, and so no study {asked.study!r}", todo)
    with _connected(asked) as connection:
        if file is not None:
            connection.execute(sa.text("SELECT 1 FROM sqlite_master LIMIT 1"))  # else nothing of it is read
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            connection.scalar(sa.select(1))
            times.append(time.perf_counter() - began)
        version = ".".join(map(str, connection.dialect.server_version_info or ()))
        name = f"{connection.dialect.name} {version}" + (
            " (MariaDB)" if getattr(connection.dialect, "is_mariadb", False) else ""
        )
    took = median(times)
    found = f"{name} at {shown_url(make_url(asked.url))} answers in {took * 1000:.2g} ms"
    if took > SLOW:
        return Finding(
            NOTE, f"{found}, which each trial waits for a dozen times", "work nearer to the database"
        )
    return Finding(OK, found)


def _file(asked: Asked) -> Finding | None:
    """Look where the file of SQLite lies, and how it is written."""
    file = _sqlite_file(asked)
    if file is None:
        return None
    network = network_file_system(file)
    if network is not None:
        return Finding(
            WRONG,
            f"{file} lies on a network file system ({network}), where SQLite loses what machines write",
            "--storage postgresql://user@host/database, or a local file",
        )
    with _connected(asked) as connection:
        mode = str(connection.scalar(sa.text("PRAGMA journal_mode")))
    later = "" if mode == "wal" else "; the first worker turns it to wal"
    return Finding(OK, f"the file lies on a local disk, its journal mode is {mode}{later}")


def _tables(asked: Asked) -> Finding:
    with _connected(asked) as connection:
        version = schema.version_of(connection.engine)
    if version > schema.VERSION:
        return Finding(
            WRONG,
            f"our tables have version {version}, this interplay-tuner knows {schema.VERSION}",
            "pip install -U interplay-tuner",
        )
    if version == 0:
        return Finding(OK, "none of our tables is there yet; the first `tuner create` or `run` makes them")
    if version < schema.VERSION:
        return Finding(
            NOTE,
            f"our tables have version {version}; the first worker brings them to {schema.VERSION}",
            "tuner list does so too, as a role that may change tables",
        )
    return Finding(OK, f"our tables have version {version}")


def _role(asked: Asked) -> Finding | None:
    """Look whether this role may write: a row is entered in a transaction that is taken back."""
    with _connected(asked) as connection:
        if schema.version_of(connection.engine) < schema.WITH_WORKERS:
            return None
    row = {"worker": TRY, "host": TRY, "process": 0, "started": now(), "lease": now()}
    try:
        with _connected(asked) as connection:
            try:
                connection.execute(sa.insert(schema.workers).values(**row))
            finally:
                connection.rollback()
    except StorageError as error:
        said = str(error).partition(": ")[2].partition("; ")[0]
        return Finding(
            NOTE if asked.study is None else WRONG,
            f"this role only reads ({said}): it can look at studies, and not work on them",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES to a role for workers"
            if _sqlite_file(asked) is None
            else "chmod u+w, for the file and its folder",
        )
    return Finding(OK, "this role may write")


def _clock(asked: Asked) -> Finding:
    """Compare the clocks; the times of trials and leases are by the database's."""
    with _connected(asked) as connection:
        before = time.time()
        there = float(connection.scalar(sa.select(now())) or 0.0)
        apart = there - (before + time.time()) / 2
    if abs(apart) <= APART:
        return Finding(OK, f"this machine's clock is within {max(0.1, abs(apart)):.1g} s of the database's")
    which = "behind" if apart > 0 else "ahead of"
    return Finding(
        WRONG,
        f"this machine's clock is {in_words(abs(apart))} {which} the database's, by which trials are timed",
        "timedatectl set-ntp true, on the machine that is wrong",
    )


def _sqlite_file(asked: Asked) -> Path | None:
    if not asked.url.startswith("sqlite"):
        return None
    database = make_url(asked.url).database
    return None if not database or database.startswith("file:") else Path(database)


_HANGS = Finding(
    WRONG, "it gives no answer", "look whether the server runs, and whether a firewall drops packets to it"
)
_CHECKS: tuple[tuple[str, Callable[[Asked], Finding | None]], ...] = (
    ("SQLite", _file),
    ("tables", _tables),
    ("role", _role),
    ("clock", _clock),
)
DATABASE = "database"
CHECKS = (Check(DATABASE, _answers, late=_HANGS), *(Check(name, look, DATABASE) for name, look in _CHECKS))
