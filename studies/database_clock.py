"""The database's clock in SQL: leases are judged by it alone, since the clocks of workers differ."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 - named as SQLAlchemy names functions
    """The time by the database's clock, in seconds since the epoch."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _(_element: now, _compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _(_element: now, _compiler: SQLCompiler, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())"  # now() would stand still within a transaction


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _(_element: now, _compiler: SQLCompiler, **_: Any) -> str:
    return "unix_timestamp(sysdate(6))"
