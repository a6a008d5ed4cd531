"""Opening the database that studies live in: Optuna's own schema, and our tables beside it (see `tables`)."""

import logging
import os
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from studies.database.dialects import Dialect, dialect_named
from studies.database.dialects.sqlite_file import network_file_system
from studies.database.optuna_storage import persistent
from studies.database.retry import PATIENCE, is_passing, is_restarting
from studies.database.url import refuse_misspelt
from studies.errors import StorageError

DEFAULT_URL = "sqlite:///tuner.db"
_POOL = {
    "pool_size": 2,  # connections a worker keeps: one that works, one that renews the lease
    "pool_pre_ping": True,  # a connection that the server has closed is replaced before it is used
    "pool_recycle": 1800,  # seconds; firewalls forget connections on which nothing moves
}
_LOG = logging.getLogger(__name__)
_OPENING_ATTEMPTS = 6  # each fails only where another process makes the same tables, or the server restarts
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+_]*")
_BESIDE = (
    "SQLite writes beside its file, even to read it, and the folder may not be written to; "
    "copy the file to another folder"
)
_RESTART = 2.0  # seconds between two of them while the server restarts


@dataclass(frozen=True)
class Database:
    """An open database: Optuna's view of it, and the engine for our own tables."""

    storage: BaseStorage
    engine: sqlalchemy.Engine


def storage_url(option: str | None, environment: Mapping[str, str]) -> str:
    """Choose the database: the option, TUNER_STORAGE, OPTUNA_STORAGE, or else a SQLite file here."""
    given = (option, environment.get("TUNER_STORAGE"), environment.get("OPTUNA_STORAGE"))
    # A file that sets a variable often ends with a line break, which would be part of a file's name.
    return next(filter(None, ((url or "").strip() for url in given)), DEFAULT_URL)


def open_database(url: str, *, reading: bool = False, patience: float = 0.0) -> Database:
    """Open the database at `url`, making Optuna's tables where they are absent.

    Args:
        url: an SQLAlchemy URL; where it names no driver, the one that our extras install is taken.
        reading: nothing will be written, so SQLite's one writer is never waited for, and a missing file is
            not made.
        patience: seconds to wait for a database that is known to be there and is away. One that has no
            connection left is waited for in any case, and a warning says so.

    Raises:
        StorageError: the URL is none, its driver is missing, or the database refuses.
    """
    parsed, dialect = _checked(url, reading=reading)
    arguments = dialect.engine_options(parsed)
    if parsed.get_backend_name() != "sqlite":
        arguments = {**arguments, **_POOL}
    storage = _connect(parsed, dialect, arguments, patience)
    dialect.prepare(storage.engine, writing=not reading)
    event.listen(storage.engine, "handle_error", _give_up_connection)
    # That a connection broke is no news: what was asked on it is asked again, or raised.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    return Database(persistent(storage), storage.engine)


def probing_engine(url: str) -> sqlalchemy.Engine:
    """Give an engine for looking at a database as it is: no table is made in it, and nothing is repeated.

    Raises:
        StorageError: as `open_database`, as far as that can be known before the database is asked.
    """
    parsed, dialect = _checked(url, reading=True)
    try:
        engine = sqlalchemy.create_engine(parsed, poolclass=NullPool, **dialect.engine_options(parsed))
    except (ImportError, NoSuchModuleError) as error:
        raise _without_driver(parsed, dialect) from error
    dialect.prepare(engine, writing=False)
    return engine


def _checked(url: str, *, reading: bool) -> tuple[URL, Dialect]:
    """Read a URL, and give what is known of its database before that is asked."""
    refuse_misspelt(url)
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _check_file(parsed, reading=reading)
        parsed = _anchored(parsed)
    dialect = dialect_named(parsed.get_backend_name())
    if dialect is None:
        raise StorageError(
            f"The driver for {shown_url(parsed)} is not installed; use sqlite, postgresql or mysql."
        )
    return parsed, dialect


def _without_driver(parsed: URL, dialect: Dialect) -> StorageError:
    return StorageError(
        f"The driver for {shown_url(parsed)} is not installed; "
        f"pip install 'interplay-tuner[{dialect.extra}]'."
    )


def _give_up_connection(context: ExceptionContext) -> None:
    """Use a connection no more that leads to a server which cannot do what is asked, such as a standby."""
    dialect = dialect_named(context.dialect.name)
    if dialect is not None and dialect.breaks_connection(context.original_exception):
        context.is_disconnect = True


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError(
            f"--storage must be a database URL such as {DEFAULT_URL}, but got {_without_secrets(url)!r}."
        ) from None  # the error may hold a part of a password
    dialect = dialect_named(parsed.get_backend_name())
    if parsed.get_backend_name() != "sqlite" and url.count("@") > 1:
        # SQLAlchemy takes the first @ for the end of the password, and would show the rest as a host.
        raise StorageError(
            f"The URL of the database has more than one @, but got {_without_secrets(url)!r}; in a user's "
            f"name or a password write @ as %40, / as %2F and : as %3A."
        )
    if dialect is not None and parsed.drivername in dialect.names:
        return parsed.set(drivername=dialect.driver)
    return parsed


def _without_secrets(url: str) -> str:
    """Show of a text that is no proper URL what cannot be a password."""
    scheme, separator, rest = url.partition("://")
    if separator:
        return f"{scheme}://***" if _SCHEME.fullmatch(scheme) else "***"
    return "***" if re.search(r"[@:?]", rest or url) else url


def _anchored(parsed: URL) -> URL:
    """Name a SQLite file by its absolute path: the code of a study may change the working directory."""
    file = str(parsed.database)
    return parsed if file.startswith("file:") else parsed.set(database=str(Path(file).absolute()))


def _check_file(parsed: URL, *, reading: bool) -> None:
    if parsed.database in (None, "", ":memory:"):
        raise StorageError(f"{shown_url(parsed)} keeps nothing: name a file, such as {DEFAULT_URL}.")
    path = Path(str(parsed.database))
    if reading and not path.exists():
        raise StorageError(
            f"There is no database {path} yet; `tuner run STUDY` makes one, `--storage URL` names another."
        )
    if not path.absolute().parent.is_dir():
        raise StorageError(
            f"The database {path} cannot be made: there is no folder {path.parent}; make it first."
        )
    if not reading and path.exists() and not _may_write(path):
        raise StorageError(
            f"The database {path} may not be written to; give its file the permission, or name another: "
            f"--storage URL."
        )
    if not reading and path.exists() and not _may_write(path.absolute().parent):
        raise StorageError(f"The database {path} cannot be written: {_BESIDE}.")
    network = None if reading else network_file_system(path)
    if network is not None:
        raise StorageError(
            f"The database {path} lies on a network file system ({network}), where SQLite loses what several "
            f"machines write; name a local file or a server: --storage postgresql://user@host/database."
        )


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _connect(parsed: URL, dialect: Dialect, arguments: dict[str, Any], patience: float) -> RDBStorage:
    began, is_told = time.monotonic(), False
    while True:
        try:
            return _connect_once(parsed, dialect, arguments)
        except StorageError as error:
            cause = _database_error(error)
            is_full = cause is not None and cause.orig is not None and dialect.is_full(cause.orig)
            limit = max(patience, PATIENCE) if is_full else patience
            if error.__cause__ is None or not is_passing(error.__cause__):
                raise
            if time.monotonic() - began >= limit:
                raise
        if is_full and not is_told:
            is_told = True
            _LOG.warning(
                "The database %s has no connection left; one is waited for, for up to %.0f minutes. A server "
                "with many workers takes PgBouncer in front, or a higher limit of connections.",
                shown_url(parsed),
                limit / 60,
            )
        time.sleep(_RESTART * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def _connect_once(parsed: URL, dialect: Dialect, arguments: dict[str, Any]) -> RDBStorage:
    url = parsed.render_as_string(hide_password=False)
    for left in reversed(range(_OPENING_ATTEMPTS)):
        try:
            return RDBStorage(url, engine_kwargs=dict(arguments))
        except (ImportError, NoSuchModuleError) as error:
            raise _without_driver(parsed, dialect) from error
        except (SQLAlchemyError, StorageInternalError, RuntimeError, TypeError) as error:
            # Optuna looks whether a table exists and then makes it, which another worker may have done in
            # between.
            if left and is_restarting(error):
                time.sleep(_RESTART)
            elif not left or not _is_made_twice(error):
                raise StorageError(
                    f"The database {shown_url(parsed)} cannot be opened: {reason_of(parsed, error)}"
                    f"{_remedy(parsed)}."
                ) from error
    raise AssertionError("the last attempt either returns or raises")


def _remedy(parsed: URL) -> str:
    """Say what to do about a SQLite file that is there and cannot be read; nothing about any other."""
    path = Path(str(parsed.database))
    is_file = parsed.get_backend_name() == "sqlite" and path.exists()
    return f": {_BESIDE}" if is_file and not _may_write(path.absolute().parent) else ""


def _is_made_twice(error: BaseException) -> bool:
    cause = _database_error(error)
    return cause is not None and bool(
        re.search(r"already exists|unique|duplicate", str(cause), re.IGNORECASE)
    )


def _database_error(error: BaseException | None) -> DBAPIError | None:
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__
    return error


def reason_of(parsed: URL, error: Exception) -> str:
    """Say in a line why a database refuses, without a secret of its URL."""
    cause = _database_error(error)
    lines = str(error if cause is None else cause.orig).strip().splitlines()
    reason = " ".join(line.strip() for line in lines[:1]).rstrip(".")
    secrets = [parsed.password, *(parsed.query[key] for key in _secret(parsed))]
    for secret in secrets:
        reason = reason.replace(str(secret), "***") if secret else reason
    return reason


def shown_url(parsed: URL) -> str:
    """Write a URL without its password, wherever in it that stands."""
    hidden = dict.fromkeys(_secret(parsed), "***")
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def _secret(parsed: URL) -> list[str]:
    return [key for key in parsed.query if re.search("pass|pw|secret|token|key", key.lower())]
