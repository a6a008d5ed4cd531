"""The budget of a study: a table of slots, each spent by one finished trial, whoever dies meanwhile.

A worker claims the first open slot by one guarded UPDATE and holds it by a lease on the database's clock. A
lease that lapses frees the slot. Optuna's own queue of waiting trials cannot do this: asking an empty queue
makes a new trial.

A ledger is keyed by a random identifier that the study carries as an attribute, not by the study's number,
which a database may give again after the dashboard has deleted the study.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from studies.database_clock import now
from studies.identity import carries

LEASE = 60.0  # seconds that a claim holds without being renewed
RENEWAL = 15.0  # seconds between two renewals

OPEN, CLAIMED, DONE = "open", "claimed", "done"

_NAME_LENGTH = 128  # characters kept of a worker's name
_GROW_ATTEMPTS = 10  # each fails only where another process has grown the same study meanwhile

_metadata = sa.MetaData()
_slots = sa.Table(
    "tuner_slots",
    _metadata,
    sa.Column("ledger", sa.String(32), primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("explore", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, default=OPEN),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),  # claims so far
    sa.Column("draw", sa.Integer, nullable=False, default=0),  # suggestions given up after a user's error
    sa.Column("trial", sa.Integer),  # number of the trial that runs, ran last, or spent the slot
    sa.Column("worker", sa.String(_NAME_LENGTH)),
    sa.Column("lease", sa.Double),  # seconds since the epoch, by the database's clock
    sa.Index("tuner_slots_by_state", "ledger", "state", "slot"),
)


@dataclass(frozen=True)
class Slot:
    """A claimed slot.

    `attempt` counts its claims from 1. `draw` counts the suggestions that an error in the user's code has
    used up. `trial` is the number of the trial of an earlier attempt that this one takes up again, or None.
    `lapsed` says that the worker of the attempt before never gave the slot back.
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

    def __init__(self, engine: sa.Engine, study: int, ledger: str, *, lease: float = LEASE) -> None:
        """Take the slots of a study.

        Args:
            engine: the database.
            study: the study's number in Optuna's tables.
            ledger: the identifier that the study carries.
            lease: seconds that a claim holds without being renewed.
        """
        self._engine = engine
        self.ledger = ledger
        self._lease = lease
        self._mine = _slots.c.ledger == ledger
        self._study_lives = carries(study, ledger)

    def grow(self, total: int, exploration: float) -> None:
        """Raise the number of slots to `total`; the share `exploration` of the new ones, in front, explores.

        A study that has as many already stays as it is.
        """
        for left in reversed(range(_GROW_ATTEMPTS)):
            try:
                with self._engine.begin() as connection:
                    if rows := self._missing(connection, total, exploration):
                        connection.execute(sa.insert(_slots), rows)
            except (IntegrityError, OperationalError):  # another process has added some of them
                if not left:
                    raise
            else:
                return

    def _missing(self, connection: sa.Connection, total: int, exploration: float) -> list[dict[str, Any]]:
        present = connection.scalar(sa.select(sa.func.count()).where(self._mine)) or 0
        exploring = present + round(exploration * (total - present))
        # The first slot is the defaults, in every study.
        return [
            {"ledger": self.ledger, "slot": number, "explore": number == 0 or number < exploring}
            for number in range(present, total)
        ]

    def claim(self, worker: str) -> Slot | None:
        """Claim the first slot that is open or whose lease has lapsed.

        Returns:
            The slot, or None where there is none now, or the study has been deleted.
        """
        lapsed = sa.and_(_slots.c.state == CLAIMED, _slots.c.lease < now())
        free = sa.and_(self._mine, sa.or_(_slots.c.state == OPEN, lapsed))
        first = sa.select(_slots).where(free, self._study_lives).order_by(_slots.c.slot).limit(1)
        while True:
            with self._engine.begin() as connection:
                row = connection.execute(first).one_or_none()
                if row is None:
                    return None
                claimed = connection.execute(
                    sa.update(_slots)
                    .where(free, _slots.c.slot == row.slot, _slots.c.attempt == row.attempt)
                    .values(
                        state=CLAIMED,
                        attempt=row.attempt + 1,
                        worker=worker[:_NAME_LENGTH],
                        lease=now() + self._lease,
                    )
                )
                if claimed.rowcount == 1:  # else another worker was faster
                    return Slot(
                        row.slot, row.explore, row.attempt + 1, row.draw, row.trial, row.state == CLAIMED
                    )

    def assign(self, slot: Slot, trial: int) -> bool:
        """Note the number of the trial that a claimed slot is spent on; False where the claim is lost."""
        return self._update(slot, trial=trial)

    def renew(self, slot: Slot) -> bool:
        """Extend the lease of a claimed slot; False where the claim is lost."""
        return self._update(slot, lease=now() + self._lease)

    def finish(self, slot: Slot) -> bool:
        """Mark a claimed slot as spent; False where the claim is lost."""
        return self._update(slot, state=DONE, lease=None)

    def free(self, slot: Slot, *, fresh: bool) -> bool:
        """Open a claimed slot again: for the same suggestion, or, if `fresh`, for another one.

        Returns:
            Whether it was opened; False where the claim is lost.
        """
        changes: dict[str, Any] = {"trial": None, "draw": slot.draw + 1} if fresh else {}
        return self._update(slot, state=OPEN, lease=None, **changes)

    def _update(self, slot: Slot, **changes: Any) -> bool:
        held = (_slots.c.slot == slot.number, _slots.c.state == CLAIMED, _slots.c.attempt == slot.attempt)
        with self._engine.begin() as connection:
            return (
                connection.execute(sa.update(_slots).where(self._mine, *held).values(**changes)).rowcount == 1
            )

    def budget(self) -> Budget:
        """Count the slots by state."""
        counting = sa.select(_slots.c.state, sa.func.count()).where(self._mine).group_by(_slots.c.state)
        with self._engine.connect() as connection:
            counts = {row[0]: row[1] for row in connection.execute(counting)}
        return Budget(counts.get(OPEN, 0), counts.get(CLAIMED, 0), counts.get(DONE, 0))

    def delete(self) -> None:
        """Delete every slot of the study."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_slots).where(self._mine))


def create_table(engine: sa.Engine) -> None:
    """Make the table of slots where the database lacks it; two processes may do so at once."""
    try:
        _metadata.create_all(engine)
    except DBAPIError:
        if not sa.inspect(engine).has_table(_slots.name):
            raise
