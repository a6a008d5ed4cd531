"""Opening the database that studies live in: Optuna's own schema, and beside it one table of ours (see `slots`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from studies.errors import StorageError

DEFAULT_URL = "sqlite:///tuner.db"
SQLITE_BUSY_TIMEOUT = 60.0  # seconds that a transaction waits for another process's
_EXTRA = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}  # dialect -> our optional dependencies


@dataclass(frozen=True)
class Database:
    """An open database: Optuna's view of it, and the engine for our own table."""

    storage: BaseStorage
    engine: sqlalchemy.Engine


def storage_url(option: str | None, environment: Mapping[str, str]) -> str:
    """Choose the database: the option given, else `TUNER_STORAGE`, else `OPTUNA_STORAGE`, else a SQLite file here."""
    return option or environment.get("TUNER_STORAGE") or environment.get("OPTUNA_STORAGE") or DEFAULT_URL


def open_database(url: str, *, reading: bool = False) -> Database:
    """Open the database at `url`, making Optuna's tables where they are absent.

    Args:
        url: an SQLAlchemy URL.
        reading: nothing will be written, so SQLite's one writer is never waited for, and a missing file is not made.

    Raises:
        StorageError: the URL is none, its driver is missing, or the database refuses.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError(f"--storage must be a database URL such as {DEFAULT_URL}, but got {url!r}.") from error
    shown = parsed.render_as_string(hide_password=True)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database in (None, "", ":memory:"):
        raise StorageError(f"{shown} keeps nothing: name a file, such as {DEFAULT_URL}.")
    if sqlite and reading and not Path(str(parsed.database)).exists():
        raise StorageError(f"There is no database {parsed.database} yet; `tuner run STUDY` makes one, `--storage URL` names another.")
    arguments: dict[str, Any] = {"connect_args": {"timeout": SQLITE_BUSY_TIMEOUT}} if sqlite else {"pool_size": 2}
    try:
        storage = RDBStorage(url, engine_kwargs=arguments)
    except (ImportError, NoSuchModuleError) as error:
        extra = _EXTRA.get(parsed.get_backend_name())
        remedy = f"pip install 'interplay-tuner[{extra}]'" if extra else "use sqlite, postgresql or mysql"
        raise StorageError(f"The driver for {shown} is not installed; {remedy}.") from error
    except (SQLAlchemyError, RuntimeError) as error:
        raise StorageError(f"The database {shown} cannot be opened: {_reason(error)}") from error
    if sqlite:
        _make_sqlite_safe(storage.engine, immediate=not reading)
    # Optuna's cache of finished trials; without it every suggestion reads every trial again.
    return Database(get_storage(storage), storage.engine)


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, OperationalError) and error.orig is not None else error
    return str(cause).strip().splitlines()[0] + "."


def _make_sqlite_safe(engine: sqlalchemy.Engine, *, immediate: bool) -> None:
    """Make a read followed by a write one transaction, and let readers read meanwhile.

    Python's driver begins a transaction at the first write, so two workers that read first both act on what they read. We begin
    each transaction ourselves, and at once. With a write-ahead log readers are never blocked and a commit needs no disk flush;
    a power cut may cost the last commits, never the database (https://www.sqlite.org/pragma.html#pragma_synchronous).
    """

    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    engine.dispose()  # connections opened before the listeners were there
