"""The databases that a study can live in, and how each is told from the others by SQLAlchemy's names."""

import sqlalchemy as sa

from studies.database.dialects.dialect import Dialect
from studies.database.dialects.mysql import MYSQL
from studies.database.dialects.postgresql import POSTGRESQL
from studies.database.dialects.sqlite import SQLITE

__all__ = ["DIALECTS", "Dialect", "dialect_named", "dialect_of"]

DIALECTS: tuple[Dialect, ...] = (SQLITE, POSTGRESQL, MYSQL)


def dialect_named(name: str) -> Dialect | None:
    """Give the dialect of a URL's backend, such as `postgresql`; None for a database that we do not know."""
    return next((dialect for dialect in DIALECTS if name in dialect.names), None)


def dialect_of(connection: sa.Connection | sa.Engine) -> Dialect:
    """Give the dialect of an open database."""
    found = dialect_named(connection.dialect.name)
    if found is None:
        raise NotImplementedError(f"a database of the kind {connection.dialect.name}")
    return found
