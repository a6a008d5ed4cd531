"""What a database says that means "later", and what does not: the driver's own errors, code by code."""

import sqlite3

import psycopg.errors
import pymysql.err
import pytest

from studies.database.dialects.mysql import DIALECT as MYSQL
from studies.database.dialects.mysql import LATER as MYSQL_LATER
from studies.database.dialects.postgresql import DIALECT as POSTGRESQL
from studies.database.dialects.sqlite import DIALECT as SQLITE
from studies.database.dialects.sqlite import LATER as SQLITE_LATER
from studies.database.retry import is_passing

# By the names that PostgreSQL gives to its codes.
LATER = [
    "08000", "08001", "08003", "08004", "08006", "08007", "25006", "25P03", "40001", "40P01", "53000",
    "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03", "58030",
]  # fmt: skip
NEVER = [
    "22001",
    "22003",
    "23505",
    "25P02",
    "28P01",
    "3D000",
    "42501",
    "42601",
    "42P01",
    "53400",
    "57P04",
    "XX001",
]


@pytest.mark.parametrize(("codes", "later"), [(LATER, True), (NEVER, False)])
def test_postgresql_is_asked_again_only_where_that_may_help(codes: list[str], *, later: bool) -> None:
    """Failovers, full disks, too many clients, cancelled statements pass; mistakes and lost data do not."""
    for code in codes:
        error = psycopg.errors.lookup(code)("said by the server")
        assert POSTGRESQL.answers_later(error) is later, code
        assert is_passing(error) is later, code


def test_a_connection_that_breaks_is_made_anew() -> None:
    """An error without a code comes from the connection; one that names a standby gives the connection up."""
    assert POSTGRESQL.answers_later(psycopg.OperationalError("connection timeout expired"))
    assert POSTGRESQL.answers_later(psycopg.errors.ConnectionTimeout("connection timeout expired"))
    assert not POSTGRESQL.answers_later(psycopg.ProgrammingError("the query has 2 placeholders"))
    assert POSTGRESQL.breaks_connection(psycopg.errors.ReadOnlySqlTransaction("standby"))
    assert not POSTGRESQL.breaks_connection(psycopg.errors.DeadlockDetected("deadlock"))
    assert MYSQL.breaks_connection(pymysql.err.OperationalError(1290, "--read-only"))
    assert not MYSQL.breaks_connection(pymysql.err.OperationalError(1213, "Deadlock"))


def test_mysql_is_asked_again_only_where_that_may_help() -> None:
    """Each code of the list passes; duplicates, long values and unknown tables do not.

    A password that is changed passes, as it does on PostgreSQL, whose driver gives such an error no code; who
    opens a database with a wrong one is told at once.
    """
    for code in MYSQL_LATER:
        assert is_passing(pymysql.err.OperationalError(code, "said by the server")), code
    for code in (1054, 1062, 1064, 1146, 1264, 1406, 1451, 1665):
        assert not is_passing(pymysql.err.OperationalError(code, "said by the server")), code
    full = 'Got error 28 "No space left on device" from storage engine InnoDB'
    assert is_passing(pymysql.err.OperationalError(1030, full))
    assert not is_passing(pymysql.err.OperationalError(1030, 'Got error 194 "Tablespace is missing"'))


def test_sqlite_is_asked_again_only_where_that_may_help() -> None:
    """Locks, full disks, disks that fail pass, in every extended form; mistakes and damage do not."""
    never = {
        sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_TOOBIG,
    }  # fmt: skip
    known = {name: getattr(sqlite3, name) for name in dir(sqlite3) if name.startswith("SQLITE_IOERR_")}
    for code in (*SQLITE_LATER, *never, *known.values()):
        error = sqlite3.OperationalError("said by the library")
        error.sqlite_errorcode = code
        assert SQLITE.answers_later(error) is (code not in never), code
