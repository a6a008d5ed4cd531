"""SQLite: one file for the workers of one machine."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from studies.database.dialects.dialect import upsert_on_conflict
from studies.database.dialects.sqlite_file import SQLITE_BUSY_TIMEOUT, FileReplaced, hold_to_file, make_safe

# https://www.sqlite.org/rescode.html, by the lower byte.
LATER: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "another process writes",
    sqlite3.SQLITE_LOCKED: "another connection of this process writes",
    sqlite3.SQLITE_NOMEM: "the memory is full",
    sqlite3.SQLITE_READONLY: "the file is being moved, or its disk is mounted read-only for a while",
    sqlite3.SQLITE_INTERRUPT: "the statement was interrupted",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the file is not there for a while, or too many files are open",
    sqlite3.SQLITE_PROTOCOL: "other processes took the lock again and again",
    sqlite3.SQLITE_SCHEMA: "another process changed the tables",
}


@dataclass(frozen=True)
class _SQLite:
    names: tuple[str, ...] = ("sqlite",)
    driver: str = "sqlite"
    extra: str | None = None
    now: str = "((julianday('now') - 2440587.5) * 86400.0)"

    def engine_options(self, url: URL) -> dict[str, Any]:
        return {"connect_args": {"timeout": SQLITE_BUSY_TIMEOUT}}

    def prepare(self, engine: sa.Engine, *, writing: bool) -> None:
        hold_to_file(engine, Path(str(engine.url.database)))
        make_safe(engine, writing=writing)

    def answers_later(self, error: BaseException) -> bool:
        if isinstance(error, FileReplaced) or not isinstance(error, sqlite3.Error):
            return False
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None:
            return code & 0xFF in LATER
        return "locked" in str(error)

    def is_full(self, error: BaseException) -> bool:
        return False

    def breaks_connection(self, error: BaseException) -> bool:
        return False

    def upsert(self, table: Any, rows: Any, key: Sequence[str], taken: Sequence[str]) -> Any:
        return upsert_on_conflict(sqlite.insert, table, rows, key, taken)

    def digest(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        return sa.func.group_concat(text)  # it travels nowhere

    def longest_text(self, connection: sa.Connection) -> int | None:
        return None

    def widen_texts(self, connection: sa.Connection) -> None:
        return


DIALECT = _SQLite()
