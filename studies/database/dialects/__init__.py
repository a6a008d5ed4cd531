"""The databases that a study can live in: each module here that has a `DIALECT` is one."""

import importlib
import pkgutil

import sqlalchemy as sa

from studies.database.dialects.dialect import Dialect

__all__ = ["DIALECTS", "Dialect", "dialect_named", "dialect_of"]

_MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
DIALECTS: tuple[Dialect, ...] = tuple(module.DIALECT for module in _MODULES if hasattr(module, "DIALECT"))


def dialect_named(name: str) -> Dialect | None:
    """Give the dialect of a URL's backend, such as `postgresql`; None for a database that we do not know."""
    return next((dialect for dialect in DIALECTS if name in dialect.names), None)


def dialect_of(connection: sa.Connection | sa.Engine) -> Dialect:
    """Give the dialect of an open database."""
    found = dialect_named(connection.dialect.name)
    if found is None:
        raise NotImplementedError(f"a database of the kind {connection.dialect.name}")
    return found
