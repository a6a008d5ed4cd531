"""Whether a study takes new trials: how it was stopped, its limits, its priority."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from studies.database import schema
from studies.database.retry import persistently
from studies.database.schema import DONE
from studies.definition.settings import StudySettings

# How a study was stopped.
DRAINED = "drain"  # running trials end as they would
PREEMPTED = "now"  # running trials are preempted
FAILING = "errors"  # its trials kept ending with the same error in the user's code

_HOUR = 3600.0  # seconds
_studies, _slots, _budgets = schema.studies, schema.slots, schema.budgets


@dataclass(frozen=True)
class Spent:
    """What a study may cost, and what it has cost: limits are None where there is none."""

    epochs: float
    hours: float
    most_epochs: float | None
    most_hours: float | None

    @property
    def limit(self) -> str | None:
        """Say which limit is reached, as a noun in the plural; None while none is."""
        if self.most_epochs is not None and self.epochs >= self.most_epochs:
            return f"{self.most_epochs:g} epochs"
        if self.most_hours is not None and self.hours >= self.most_hours:
            return f"{self.most_hours:g} hours"
        return None


class Control:
    """Whether one study takes new trials, and before which others."""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        """Take the study that carries a ledger."""
        self._engine = engine
        self._ledger = ledger
        self._mine = _studies.c.ledger == ledger
        self.how_stopped = sa.select(_studies.c.stop).where(self._mine).scalar_subquery()
        epochs, seconds = self._sum("epochs"), self._sum("seconds")
        self.goes_on: sa.ColumnElement[bool] = sa.exists().where(
            self._mine,
            _studies.c.stop.is_(None),
            sa.or_(_studies.c.epochs.is_(None), _studies.c.epochs > epochs),
            sa.or_(_studies.c.hours.is_(None), _studies.c.hours * _HOUR > seconds),
        )

    def _sum(self, column: str) -> sa.ScalarSelect[float]:
        spent = sa.func.coalesce(sa.func.sum(_slots.c[column]), 0.0)
        return sa.select(spent).where(_slots.c.ledger == self._ledger).scalar_subquery()

    def open(self, settings: StudySettings | None = None) -> None:
        """Open the study for new trials, with the limits and the priority of `settings` if they are given."""

        def write() -> None:
            try:
                with self._engine.begin() as connection:
                    self.open_within(connection, settings)
            except IntegrityError:  # another process has just opened it
                return

        persistently(write)

    def open_within(self, connection: sa.Connection, settings: StudySettings | None = None) -> None:
        """Do as `open` in a transaction of the caller's.

        Raises:
            IntegrityError: another process has just opened it.
        """
        row: dict[str, Any] = {"stop": None}
        if settings is not None:
            row |= {"priority": settings.priority, "epochs": settings.epochs, "hours": settings.hours}
        if not connection.execute(sa.update(_studies).where(self._mine).values(**row)).rowcount:
            connection.execute(sa.insert(_studies).values(ledger=self._ledger, **row))

    def stop(self, how: str) -> None:
        """Let no new trial begin, until the study is opened again."""

        def write() -> None:
            with self._engine.begin() as connection:
                connection.execute(sa.update(_studies).where(self._mine).values(stop=how))

        persistently(write)

    def stopped(self) -> str | None:
        """Say how the study was stopped, or None while it is open."""
        row = self._read(sa.select(_studies.c.stop).where(self._mine))
        return None if row is None else row.stop

    def spent(self) -> Spent:
        """Give what the study has cost and what it may cost."""
        row = self._read(
            sa.select(
                self._sum("epochs").label("spent_epochs"),
                self._sum("seconds").label("seconds"),
                _studies.c.epochs,
                _studies.c.hours,
            ).where(self._mine)
        )
        if row is None:  # its study has been deleted
            return Spent(0.0, 0.0, None, None)
        return Spent(float(row.spent_epochs), float(row.seconds) / _HOUR, row.epochs, row.hours)

    def _read(self, query: sa.Select[Any]) -> Any:
        def read() -> Any:
            with self._engine.connect() as connection:
                return connection.execute(query).one_or_none()

        return persistently(read)

    def delete_within(self, connection: sa.Connection) -> None:
        """Forget the study, in a transaction of the caller's."""
        connection.execute(sa.delete(_studies).where(self._mine))


def waiting(engine: sa.Engine) -> list[str]:
    """List the ledgers of the studies that are open and not yet spent, by falling priority."""
    rows = sa.select(sa.func.coalesce(sa.func.max(_slots.c.slot) + 1, 0)).where(
        _slots.c.ledger == _budgets.c.ledger
    )
    has_slots = sa.or_(
        sa.exists().where(_slots.c.ledger == _studies.c.ledger, _slots.c.state != DONE),
        sa.exists().where(
            _budgets.c.ledger == _studies.c.ledger,
            _budgets.c.total > rows.correlate(_budgets).scalar_subquery(),
        ),
    )
    query = sa.select(_studies.c.ledger).where(_studies.c.stop.is_(None), has_slots)

    def read() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(query.order_by(_studies.c.priority.desc())))

    return persistently(read)
