"""The database's clock in SQL: leases are judged by it alone, since the clocks of workers differ."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from studies.database.dialects import dialect_named


class now(FunctionElement[float]):  # noqa: N801 - named as SQLAlchemy names functions
    """The time by the database's clock, in seconds since the epoch."""

    type = sa.Double()
    inherit_cache = True


@compiles(now)
def _(_element: now, compiler: SQLCompiler, **_: Any) -> str:
    dialect = dialect_named(compiler.dialect.name)
    if dialect is None:
        raise NotImplementedError(f"the clock of {compiler.dialect.name}")
    return dialect.now
