"""PostgreSQL through psycopg, PgBouncer in between or not.

PgBouncer in transaction mode gives each transaction another connection to the server. So nothing here
outlives a transaction: no prepared statements, no SET but a local one, no advisory locks, no LISTEN.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL

from studies.database.dialects.dialect import upsert_on_conflict

LOCK = 10.0  # seconds that a statement waits for another process's lock before it is repeated
IDLE = 15.0  # seconds after which the server ends a transaction of a process that stands still
# Whatever the role or the database has by default: where a transaction looks at the past, two processes that
# count the trials of a study give two trials one number, and one of these is never seen again.
ISOLATION = "READ COMMITTED"

_CONNECTION = {
    "connect_timeout": 10,  # seconds; dropped packets would be awaited for minutes
    "tcp_user_timeout": 20_000,  # milliseconds until what was sent has to be acknowledged
    "keepalives_idle": 10,  # seconds of silence after which the other side is asked whether it is there,
    "keepalives_interval": 5,  # and again,
    "keepalives_count": 3,  # so often
    "prepare_threshold": None,  # no prepared statements
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; two characters stand for a class.
LATER: Mapping[str, str] = {
    "08": "the connection broke, or PgBouncer has none to give",
    "25006": "read-only: the server is a standby until the failover is over",
    "25P03": "our process stood still within a transaction, which the server has ended",
    "25P04": "the transaction took longer than the server allows",
    "40": "rolled back for the sake of another: a deadlock, a serialization failure",
    "53000": "the server lacks resources",
    "53100": "the disk of the server is full",
    "53200": "the memory of the server is full",
    "53300": "too many clients",
    "55P03": "another process holds the lock",
    "57014": "the server or its administrator has cancelled the statement",
    "57P01": "the server is shut down, or its administrator has ended the connection",
    "57P02": "another process of the server has crashed",
    "57P03": "the server is starting, or takes no connections now",
    "57P05": "the server has ended a connection on which nothing moved",
    "58000": "the system under the server failed",
    "58030": "the disk of the server failed to read or write",
}
# As PostgreSQL says it of itself, of a role and of a database, and as PgBouncer does.
_FULL = re.compile("too many (clients|connections)|connection slots are reserved|no more connections allowed")
# After these the connection is not used again: the next may reach another server, which can write.
_BROKEN = ("08", "25006", "25P03", "57P")


@dataclass(frozen=True)
class _PostgreSQL:
    names: tuple[str, ...] = ("postgresql",)
    driver: str = "postgresql+psycopg"
    extra: str | None = "postgresql"
    now: str = "extract(epoch from clock_timestamp())"  # now() would stand still within a transaction

    def engine_options(self, url: URL) -> dict[str, Any]:
        if url.get_driver_name() != "psycopg":
            return {"isolation_level": ISOLATION}  # its arguments are its own
        given = {key: value for key, value in _CONNECTION.items() if key not in url.query}
        return {"connect_args": given, "isolation_level": ISOLATION}

    def prepare(self, engine: sa.Engine, *, writing: bool) -> None:
        limits = (
            f"SELECT set_config('lock_timeout', '{LOCK:g}s', true), "
            f"set_config('idle_in_transaction_session_timeout', '{IDLE:g}s', true)"
        )

        def begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(limits)

        event.listen(engine, "begin", begin)

    def answers_later(self, error: BaseException) -> bool:
        state = getattr(error, "sqlstate", None)
        if state is not None:
            return str(state).startswith(tuple(LATER))
        # Without a state it comes from the connection and not from the server. By name, since the driver need
        # not be installed.
        kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
        return bool(kinds & {"psycopg.OperationalError", "psycopg.InterfaceError"})

    def is_full(self, error: BaseException) -> bool:
        return bool(_FULL.search(str(error)))  # a connection that was refused has no state

    def breaks_connection(self, error: BaseException) -> bool:
        return str(getattr(error, "sqlstate", None)).startswith(_BROKEN)

    def upsert(self, table: Any, rows: Any, key: Sequence[str], taken: Sequence[str]) -> Any:
        return upsert_on_conflict(postgresql.insert, table, rows, key, taken)

    def digest(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        return sa.func.md5(sa.func.string_agg(text, ","))

    def longest_text(self, connection: sa.Connection) -> int | None:
        return None

    def widen_texts(self, connection: sa.Connection) -> None:
        return


DIALECT = _PostgreSQL()
