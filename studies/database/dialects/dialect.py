"""What a database has to say of itself, so that nothing else needs to ask which one it is."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import URL


class Dialect(Protocol):
    """One kind of database.

    `names` are SQLAlchemy's for it, the first its own. `driver` is the one that our extras install, `extra`
    theirs, None where Python has it. `now` is the time by the database's clock as SQL, in seconds since the
    epoch. Each module lists as `LATER` the codes after which the same call may succeed later, with reasons.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Its names."""

    @property
    def driver(self) -> str:
        """The driver, as a URL names it."""

    @property
    def extra(self) -> str | None:
        """Our optional dependencies that install the driver."""

    @property
    def now(self) -> str:
        """The database's clock, as SQL."""

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Give SQLAlchemy's arguments for an engine; what the URL says itself is left alone."""

    def prepare(self, engine: sa.Engine, *, writing: bool) -> None:
        """Let each connection and each transaction of an engine begin as ours should."""

    def answers_later(self, error: BaseException) -> bool:
        """Say whether an error of the driver means that the same call may succeed later."""

    def is_full(self, error: BaseException) -> bool:
        """Say whether an error of the driver means that the server has no connection left to give."""

    def breaks_connection(self, error: BaseException) -> bool:
        """Say whether after an error another connection may reach a server that does better."""

    def upsert(self, table: Any, rows: Any, key: Sequence[str], taken: Sequence[str]) -> Any:
        """Give an INSERT that gives a row that is there the new values of its columns `taken`.

        Args:
            table: where to.
            rows: one row with its values, which may be SQL; None for rows that are given at the execution.
            key: the columns of a unique key.
            taken: the other columns that take the new value.
        """

    def digest(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        """Give an aggregate over rows that is another one where any of their texts is.

        It may be another one too where the rows come in another order.
        """

    def longest_text(self, connection: sa.Connection) -> int | None:
        """Give how many bytes an attribute of Optuna's may have; None where that is no question."""

    def widen_texts(self, connection: sa.Connection) -> None:
        """Let attributes of Optuna's be as long as the database can take."""


def upsert_on_conflict(
    insert: Callable[[Any], Any], table: Any, rows: Any, key: Sequence[str], taken: Sequence[str]
) -> Any:
    """Give the INSERT of `Dialect.upsert` as PostgreSQL and SQLite write it, by SQLAlchemy's `insert`."""
    statement = insert(table) if rows is None else insert(table).values(**rows)
    changes = {name: statement.excluded[name] for name in taken}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changes)
