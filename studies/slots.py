"""The budget of a study: a table of slots, each spent by exactly one finished trial, however many workers die meanwhile.

A worker claims the first open slot by one guarded UPDATE and holds it by a lease on the database's clock. A lease that lapses frees
the slot. Optuna's own queue of waiting trials cannot do this: asking an empty queue makes a new trial.

A ledger is keyed by a random identifier that the study carries as an attribute, not by the study's number, which a database
may give again after the dashboard has deleted the study.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

LEASE = 60.0  # seconds that a claim holds without being renewed
RENEWAL = 15.0  # seconds between two renewals

OPEN, CLAIMED, DONE = "open", "claimed", "done"

_metadata = sa.MetaData()
_slots = sa.Table(
    "tuner_slots",
    _metadata,
    sa.Column("ledger", sa.String(32), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("explore", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, default=OPEN),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),  # claims so far
    sa.Column("draw", sa.Integer, nullable=False, default=0),  # suggestions given up because of an error in the user's code
    sa.Column("trial", sa.Integer),  # number of the trial that runs, ran last, or spent the slot
    sa.Column("worker", sa.String(128)),
    sa.Column("lease", sa.Double),  # seconds since the epoch, by the database's clock
    sa.Index("tuner_slots_by_state", "ledger", "state", "slot"),
)


class _epoch(FunctionElement[float]):  # noqa: N801 - named as SQLAlchemy names functions
    """The database's clock, in seconds since the epoch."""

    type = sa.Double()
    inherit_cache = True


@compiles(_epoch, "sqlite")
def _(element: _epoch, compiler: SQLCompiler, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_epoch, "postgresql")
def _(element: _epoch, compiler: SQLCompiler, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())"  # now() would stand still within a transaction


@compiles(_epoch, "mysql")
@compiles(_epoch, "mariadb")
def _(element: _epoch, compiler: SQLCompiler, **_: Any) -> str:
    return "unix_timestamp(sysdate(6))"


@dataclass(frozen=True)
class Slot:
    """A claimed slot.

    `attempt` counts its claims from 1. `draw` counts the suggestions that an error in the user's code has used up. `trial` is the
    number of the trial of an earlier attempt that this one takes up again, or None.
    """

    number: int
    explore: bool
    attempt: int
    draw: int
    trial: int | None
    lapsed: bool


@dataclass(frozen=True)
class Budget:
    """How many slots there are in each state."""

    open: int
    claimed: int
    done: int

    @property
    def total(self) -> int:
        """All slots of the study."""
        return self.open + self.claimed + self.done


class Slots:
    """The slots of one study."""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        """Take the slots of the study that carries the identifier `ledger`."""
        self._engine = engine
        self._ledger = ledger
        self._mine = _slots.c.ledger == ledger

    def grow(self, total: int, exploration: float) -> None:
        """Raise the number of slots to `total`; the share `exploration` of the new ones, those in front, is quasi-random."""
        with self._engine.begin() as connection:
            present = connection.scalar(sa.select(sa.func.count()).where(self._mine)) or 0
            new = range(present, total)
            exploring = present + round(exploration * len(new))
            # The first slot is the defaults, in every study.
            rows = [{"ledger": self._ledger, "slot": n, "explore": n == 0 or n < exploring} for n in new]
            if rows:
                try:
                    connection.execute(sa.insert(_slots), rows)
                except IntegrityError:
                    connection.rollback()  # another process has just added them

    def claim(self, worker: str) -> Slot | None:
        """Claim the first slot that is open or whose lease has lapsed, or give None where there is none now."""
        while True:
            with self._engine.begin() as connection:
                lapsed = sa.and_(_slots.c.state == CLAIMED, _slots.c.lease < _epoch())
                row = connection.execute(
                    sa.select(_slots)
                    .where(self._mine, sa.or_(_slots.c.state == OPEN, lapsed))
                    .order_by(_slots.c.slot)
                    .limit(1)
                ).one_or_none()
                if row is None:
                    return None
                claimed = connection.execute(
                    sa.update(_slots)
                    .where(self._mine, _slots.c.slot == row.slot, _slots.c.attempt == row.attempt)
                    .where(sa.or_(_slots.c.state == OPEN, lapsed))
                    .values(state=CLAIMED, attempt=row.attempt + 1, worker=worker[:128], lease=_epoch() + LEASE)
                )
                if claimed.rowcount == 1:
                    return Slot(row.slot, row.explore, row.attempt + 1, row.draw, row.trial, row.state == CLAIMED)

    def assign(self, slot: Slot, trial: int) -> bool:
        """Note the number of the trial that a claimed slot is spent on; False where the claim is no longer ours."""
        return self._update(slot, trial=trial)

    def renew(self, slot: Slot) -> bool:
        """Extend the lease of a claimed slot; False where the claim is no longer ours."""
        return self._update(slot, lease=_epoch() + LEASE)

    def finish(self, slot: Slot) -> bool:
        """Mark a claimed slot as spent; False where the claim is no longer ours."""
        return self._update(slot, state=DONE, lease=None)

    def free(self, slot: Slot, *, fresh: bool) -> bool:
        """Open a claimed slot again: for the same suggestion, or, if `fresh`, for another one."""
        changes: dict[str, Any] = {"trial": None, "draw": slot.draw + 1} if fresh else {}
        return self._update(slot, state=OPEN, lease=None, **changes)

    def _update(self, slot: Slot, **changes: Any) -> bool:
        statement = (
            sa.update(_slots)
            .where(self._mine, _slots.c.slot == slot.number, _slots.c.state == CLAIMED, _slots.c.attempt == slot.attempt)
            .values(**changes)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def budget(self) -> Budget:
        """Count the slots by state."""
        counting = sa.select(_slots.c.state, sa.func.count()).where(self._mine).group_by(_slots.c.state)
        with self._engine.connect() as connection:
            counts = {state: count for state, count in connection.execute(counting)}
        return Budget(counts.get(OPEN, 0), counts.get(CLAIMED, 0), counts.get(DONE, 0))

    def delete(self) -> None:
        """Remove every slot of the study."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_slots).where(self._mine))


def create_table(engine: sa.Engine) -> None:
    """Make the table where it is absent; two processes may do so at once."""
    try:
        _metadata.create_all(engine)
    except (OperationalError, ProgrammingError, IntegrityError):
        if not sa.inspect(engine).has_table(_slots.name):
            raise
