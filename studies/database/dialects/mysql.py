"""MySQL and MariaDB through PyMySQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL

LOCK = 10  # seconds that a statement waits for another process's lock before it is repeated
IDLE = 15  # seconds after which MariaDB ends a transaction of a process that stands still
# Seconds after which MySQL ends a connection, a transaction on it included, on which nothing moves.
UNUSED = 60
ISOLATION = "REPEATABLE READ"  # the one that all of this is tested with, whatever the server has by default

_CONNECTION = {
    "connect_timeout": 10,  # seconds
    "read_timeout": 30,  # seconds without a byte of an answer; locks are waited for more briefly
    "write_timeout": 30,  # seconds
}

# https://dev.mysql.com/doc/mysql-errors/8.0/en/ and https://mariadb.com/kb/en/mariadb-error-codes/
LATER: Mapping[int, str] = {
    0: "the driver's: the connection was closed",
    1020: "another process has changed the row",
    1021: "the disk of the server is full",
    1037: "the memory of the server is full",
    1038: "the memory of the server is full",
    1040: "too many connections",
    1041: "the memory of the server is full",
    1044: "the user may not use the database: rights are changed, or the database is restored",
    1045: "the password is not taken: it is changed, here and at the server at different moments",
    1047: "the node of a cluster does not take part yet",
    1049: "the database is not there: it is being restored",
    1053: "the server is shut down",
    1077: "the server is shut down",
    1079: "the server is shut down",
    1114: "the table is full: the disk is",
    1129: "the host is blocked after connections that broke off",
    1135: "the server cannot start another thread",
    1152: "the connection was ended",
    1158: "the network failed",
    1159: "the network was too slow",
    1160: "the network failed",
    1161: "the network was too slow",
    1180: "the commit failed: in a cluster, by another node's",
    1184: "the connection was ended",
    1203: "too many connections of this user",
    1205: "another process holds the lock",
    1206: "the server holds too many locks",
    1213: "a deadlock, in which another process went on",
    1226: "the user has had enough connections or statements for this hour",
    1290: "read-only: the server is a replica until the failover is over",
    1317: "the statement was interrupted",
    1412: "another process changed the tables",
    1637: "too many transactions at once",
    1792: "read-only: transactions may not write for a while",
    1836: "read-only: the server is a replica until the failover is over",
    1874: "read-only: the storage engine is",
    1927: "the connection was killed",
    1969: "the statement took longer than the server allows",
    2002: "the server cannot be reached",
    2003: "the server cannot be reached",
    2006: "the connection was closed",
    2013: "the connection broke while an answer was awaited",
    2014: "the connection broke while an answer was awaited",
    2055: "the connection broke while an answer was awaited",
    3024: "the statement took longer than the server allows",
    3098: "the group of servers refuses the write for now",
    3101: "the group of servers rolled the transaction back",
    3169: "the connection was killed",
    3572: "another process holds the lock",
    4031: "the server has ended a connection on which nothing moved",
}
_ON_DISK = frozenset({3, 1026, 1030})  # reading or writing a file failed: later, where the disk is full
_FULL = ("error 28", "errcode: 28", "no space left", "error 122", "errcode: 122")
_NO_CONNECTION = frozenset({1040, 1203})
_BROKEN = frozenset({0, 1290, 1792, 1836, 1874, 2014})

# The columns of Optuna's tables that hold texts of any length; MySQL's TEXT ends at 65,535 bytes.
_TEXTS = (
    ("study_user_attributes", "value_json"),
    ("trial_user_attributes", "value_json"),
    ("trial_params", "distribution_json"),
)
_LONGEST = 65_535  # bytes


@dataclass(frozen=True)
class _MySQL:
    names: tuple[str, ...] = ("mysql", "mariadb")
    driver: str = "mysql+pymysql"
    extra: str | None = "mysql"
    now: str = "unix_timestamp(sysdate(6))"

    def engine_options(self, url: URL) -> dict[str, Any]:
        if url.get_driver_name() != "pymysql":
            return {"isolation_level": ISOLATION}  # its arguments are its own
        given = {"charset": "utf8mb4", **_CONNECTION}
        given = {key: value for key, value in given.items() if key not in url.query}
        return {"connect_args": given, "isolation_level": ISOLATION}

    def prepare(self, engine: sa.Engine, *, writing: bool) -> None:
        is_mariadb = bool(getattr(engine.dialect, "is_mariadb", False))
        idle = f"idle_transaction_timeout = {IDLE}" if is_mariadb else f"wait_timeout = {UNUSED}"
        # Where the server is not strict, it cuts what is too long and writes ? for what it cannot, silently.
        strict = "SESSION sql_mode = concat_ws(',', nullif(@@sql_mode, ''), 'STRICT_TRANS_TABLES')"
        limits = f"SET SESSION innodb_lock_wait_timeout = {LOCK}, SESSION {idle}, {strict}"

        def configure(connection: Any, _: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(limits)

        event.listen(engine, "connect", configure)
        engine.dispose()  # connections opened before the listener was there

    def answers_later(self, error: BaseException) -> bool:
        number = error.args[0] if error.args else None
        if not isinstance(number, int):
            return False
        is_full = number in _ON_DISK and any(words in str(error).lower() for words in _FULL)
        return number in LATER or is_full

    def is_full(self, error: BaseException) -> bool:
        return bool(error.args) and error.args[0] in _NO_CONNECTION

    def breaks_connection(self, error: BaseException) -> bool:
        return bool(error.args) and error.args[0] in _BROKEN

    def upsert(self, table: Any, rows: Any, key: Sequence[str], taken: Sequence[str]) -> Any:
        insert = mysql.insert(table) if rows is None else mysql.insert(table).values(**rows)
        return insert.on_duplicate_key_update({name: insert.inserted[name] for name in taken})

    def digest(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        return sa.func.sum(sa.func.crc32(text))  # group_concat ends at 1,024 bytes

    def longest_text(self, connection: sa.Connection) -> int | None:
        if not all(_is_long(connection, table, column) for table, column in _TEXTS):
            return _LONGEST
        # A statement holds the text once more, and its own words.
        return int(connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar() or 0) // 2

    def widen_texts(self, connection: sa.Connection) -> None:
        for table, column in _TEXTS:
            if not _is_long(connection, table, column):
                connection.exec_driver_sql(f"ALTER TABLE {table} MODIFY {column} LONGTEXT")


def _is_long(connection: sa.Connection, table: str, column: str) -> bool:
    kind = connection.execute(
        sa.text(
            "SELECT data_type FROM information_schema.columns WHERE table_schema = database() "
            "AND table_name = :table AND column_name = :column"
        ),
        {"table": table, "column": column},
    ).scalar()
    return str(kind).lower() == "longtext"


DIALECT = _MySQL()
