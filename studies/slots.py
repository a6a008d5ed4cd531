"""The budget of a study: a table of slots, each spent by one finished trial, whoever dies meanwhile.

A worker claims the first open slot by one guarded UPDATE and holds it by a lease on the database's clock. A
lease that lapses frees the slot. Optuna's own queue of waiting trials cannot do this: asking an empty queue
makes a new trial.

A ledger is keyed by a random identifier that the study carries as an attribute, not by the study's number,
which a database may give again after the dashboard has deleted the study.

Everything here waits for a database that is away, and may be repeated: an UPDATE that was committed though
its answer was lost is found by the claim's token or attempt.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from studies import tables
from studies.database_clock import now
from studies.identity import carries
from studies.retries import persistently
from studies.steering import Steering
from studies.tables import CLAIMED, DONE, NAME_LENGTH, OPEN

LEASE = 60.0  # seconds that a claim holds without being renewed
RENEWAL = 15.0  # seconds between two renewals

_GROW_ATTEMPTS = 10  # each fails only where another process has grown the same study meanwhile
_slots = tables.slots


@dataclass(frozen=True)
class Slot:
    """A claimed slot.

    `attempt` counts its claims from 1. `draw` counts the suggestions that an error in the user's code has
    used up. `trial` is the number of the trial of an earlier attempt that this one takes up again, or None.
    `lapsed` says that the worker of the attempt before may have left something behind.
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
        self.steering = Steering(engine, ledger)
        self.lease = lease
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
            The slot, or None where there is none now, the study has been stopped or deleted, or a limit of
            it is reached.
        """
        token = uuid.uuid4().hex
        lapsed = sa.and_(_slots.c.state == CLAIMED, _slots.c.lease < now())
        free = sa.and_(self._mine, sa.or_(_slots.c.state == OPEN, lapsed))
        goes_on = sa.and_(self._study_lives, self.steering.goes_on)
        first = sa.select(_slots).where(free, goes_on).order_by(_slots.c.slot).limit(1)

        def claim() -> Slot | None:
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
                            worker=worker[:NAME_LENGTH],
                            lease=now() + self.lease,
                            token=token,
                        )
                    )
                    if claimed.rowcount == 1:  # else another worker was faster
                        return _slot(row, row.attempt + 1, lapsed=row.state == CLAIMED)

        def claim_again() -> Slot | None:
            with self._engine.connect() as connection:
                mine = sa.select(_slots).where(self._mine, _slots.c.state == CLAIMED, _slots.c.token == token)
                row = connection.execute(mine).one_or_none()
            return claim() if row is None else _slot(row, row.attempt, lapsed=True)

        return persistently(claim, again=claim_again)

    def assign(self, slot: Slot, trial: int) -> bool:
        """Note the number of the trial that a claimed slot is spent on; False where the claim is lost."""
        return self._update(slot, trial=trial)

    def renew(self, slot: Slot) -> bool:
        """Extend the lease of a claimed slot; False where the claim is lost."""
        return self._update(slot, lease=now() + self.lease)

    def finish(self, slot: Slot) -> bool:
        """Mark a claimed slot as spent; False where the claim is lost."""
        with self._engine.begin() as connection:
            return self.finish_within(connection, slot)

    def finish_within(
        self, connection: sa.Connection, slot: Slot, *, seconds: float = 0.0, epochs: float = 0.0
    ) -> bool:
        """Do as `finish` in a transaction of the caller's, and add what the attempt has cost."""
        return self._change(connection, slot, state=DONE, lease=None, **_cost(seconds, epochs))

    def free(self, slot: Slot, *, fresh: bool) -> bool:
        """Open a claimed slot again: for the same suggestion, or, if `fresh`, for another one.

        Returns:
            Whether it was opened; False where the claim is lost.
        """
        with self._engine.begin() as connection:
            return self.free_within(connection, slot, fresh=fresh)

    def free_within(
        self,
        connection: sa.Connection,
        slot: Slot,
        *,
        fresh: bool,
        seconds: float = 0.0,
        epochs: float = 0.0,
    ) -> bool:
        """Do as `free` in a transaction of the caller's, and add what the attempt has cost."""
        changes: dict[str, Any] = {"trial": None, "draw": slot.draw + 1} if fresh else {}
        return self._change(connection, slot, state=OPEN, lease=None, **changes, **_cost(seconds, epochs))

    def _update(self, slot: Slot, **changes: Any) -> bool:
        def update() -> bool:
            with self._engine.begin() as connection:
                return self._change(connection, slot, **changes)

        return persistently(update)

    def _change(self, connection: sa.Connection, slot: Slot, **changes: Any) -> bool:
        held = (_slots.c.slot == slot.number, _slots.c.state == CLAIMED, _slots.c.attempt == slot.attempt)
        return connection.execute(sa.update(_slots).where(self._mine, *held).values(**changes)).rowcount == 1

    def budget(self) -> Budget:
        """Count the slots by state."""
        counting = sa.select(_slots.c.state, sa.func.count()).where(self._mine).group_by(_slots.c.state)

        def count() -> dict[str, int]:
            with self._engine.connect() as connection:
                return {row[0]: row[1] for row in connection.execute(counting)}

        counts = persistently(count)
        return Budget(counts.get(OPEN, 0), counts.get(CLAIMED, 0), counts.get(DONE, 0))

    def held(self) -> dict[int, int]:
        """Give the attempt that holds each claimed slot, by the slot's number."""
        claimed = sa.select(_slots.c.slot, _slots.c.attempt).where(self._mine, _slots.c.state == CLAIMED)

        def read() -> dict[int, int]:
            with self._engine.connect() as connection:
                return {row.slot: row.attempt for row in connection.execute(claimed)}

        return persistently(read)

    def abandon(self, worker: str) -> None:
        """Let the leases of a worker lapse now, because it is known to be dead."""
        held = (_slots.c.state == CLAIMED, _slots.c.worker == worker[:NAME_LENGTH])

        def update() -> None:
            with self._engine.begin() as connection:
                connection.execute(sa.update(_slots).where(self._mine, *held).values(lease=0.0))

        persistently(update)

    def delete(self) -> None:
        """Delete every slot of the study, and what steers it."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_slots).where(self._mine))
            self.steering.delete_within(connection)


def _slot(row: Any, attempt: int, *, lapsed: bool) -> Slot:
    return Slot(row.slot, row.explore, attempt, row.draw, row.trial, lapsed)


def _cost(seconds: float, epochs: float) -> dict[str, Any]:
    return {"seconds": _slots.c.seconds + seconds, "epochs": _slots.c.epochs + epochs}
