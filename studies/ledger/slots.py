"""The slots of a study: each is claimed by one worker at a time, and spent by one finished trial.

Whoever dies meanwhile: a worker claims the first free slot, and holds it for as long as it renews its lease
(see `workers`). A lease that lapses frees the slot. Optuna's own queue of waiting trials cannot do this:
asking an empty queue makes a new trial.

A ledger is keyed by a random identifier that the study carries as an attribute, not by the study's number,
which a database may give again after the dashboard has deleted the study.

Everything here waits for a database that is away, and may be repeated: an UPDATE that was committed though
its answer was lost is found by the claim's token or attempt.
"""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from studies.database import schema
from studies.database.clock import now
from studies.database.identity import carries
from studies.database.retry import is_settling, persistently, until_alone
from studies.database.schema import CLAIMED, DONE, NAME_LENGTH, OPEN, PAUSED
from studies.ledger.budgets import Budget, budget_within, delete_within, grow_within, top_up_within
from studies.ledger.control import Control
from studies.ledger.fleet.workers import LEASE, Workers, is_alive, renew_within
from studies.ledger.free_slots import candidates
from studies.ledger.slot import Renewal, Slot, is_due, slot_of

_slots = schema.slots
_T = TypeVar("_T")


class Slots:
    """The slots of one study."""

    def __init__(
        self,
        engine: sa.Engine,
        study: int,
        ledger: str,
        *,
        lease: float = LEASE,
        window: int | None = None,
    ) -> None:
        """Take the slots of a study.

        Args:
            engine: the database.
            study: the study's number in Optuna's tables.
            ledger: the identifier that the study carries.
            lease: seconds that a worker holds its slots without renewing its lease.
            window: a slot that does not explore is claimed only once all up to so many before it are spent;
                None lets slots be claimed in any order.
        """
        self._engine = engine
        self.ledger = ledger
        self.control = Control(engine, ledger)
        self.lease, self._is_due = lease, is_due(ledger, window)
        self.workers = Workers(engine)
        self._mine = _slots.c.ledger == ledger
        self._goes_on = sa.and_(carries(study, ledger), self.control.goes_on)
        # The second: of a worker of version 2, which renews the lease of the slot.
        is_held = sa.or_(is_alive(_slots.c.worker), sa.func.coalesce(_slots.c.lease, 0.0) >= now())
        self._lapsed = sa.and_(_slots.c.state == CLAIMED, ~is_held)
        self._paused = sa.and_(self._mine, _slots.c.state == PAUSED)

    def grow(self, total: int, exploration: float) -> None:
        """Raise the number of slots to `total`; the share `exploration` of the new ones, in front, explores.

        A study that has as many already stays as it is.
        """

        def grow() -> None:
            with self._engine.begin() as connection:
                grow_within(connection, self.ledger, total, exploration)

        persistently(lambda: until_alone(grow))

    def claim(self, worker: str) -> Slot | None:
        """Claim the first slot that is open or whose worker's lease has lapsed.

        Args:
            worker: the worker's identifier, of at most `NAME_LENGTH` characters; its lease is renewed.

        Returns:
            The slot, or None where there is none now, the study has been stopped or deleted, or a limit of
            it is reached.
        """

        def claim(worker: str, token: str) -> Slot | None:
            is_complete = False
            while True:
                for number in candidates(self._engine, sa.and_(self._free(), self._goes_on)):
                    slot = self._take(number, worker, token, self._free())
                    if slot is not None:
                        return slot
                if is_complete:
                    return None
                # Then once more, since another worker may have made the last rows after we had looked.
                is_complete = not self._topped_up()

        return self._claimed(claim, worker)

    def take_up(self, number: int, attempt: int, worker: str) -> Slot | None:
        """Claim a paused slot.

        Args:
            number: of the slot.
            attempt: the last one, which was paused.
            worker: as `claim` takes it.

        Returns:
            The slot, or None where another worker has taken it up, or `claim` would give none.
        """
        is_paused = sa.and_(self._paused, _slots.c.attempt == attempt, self._goes_on)
        return self._claimed(lambda name, token: self._take(number, name, token, is_paused), worker)

    def _claimed(self, claim: Callable[[str, str], Slot | None], worker: str) -> Slot | None:
        """Claim a slot for a worker by a token, also where the answer of the database was lost."""
        worker, token = worker[:NAME_LENGTH], uuid.uuid4().hex

        def claim_again() -> Slot | None:
            with self._engine.connect() as connection:
                mine = sa.select(_slots).where(self._mine, _slots.c.state == CLAIMED, _slots.c.token == token)
                row = connection.execute(mine).one_or_none()
            return claim(worker, token) if row is None else slot_of(row, row.attempt, worker, lapsed=True)

        return persistently(lambda: claim(worker, token), again=claim_again)

    def _free(self) -> sa.ColumnElement[bool]:
        """Give the condition that a slot may be claimed.

        Just after the database was away a lease that has lapsed proves nothing: its worker may come back a
        moment later, with a score.
        """
        is_open = _slots.c.state == OPEN
        is_free = is_open if is_settling() else sa.or_(is_open, self._lapsed)
        return sa.and_(self._mine, is_free, self._is_due)

    def _take(self, number: int, worker: str, token: str, is_free: sa.ColumnElement[bool]) -> Slot | None:
        """Claim a slot that is free; None where another worker is claiming it, or has.

        A slot that another transaction holds is passed over and not waited for, since the process of that
        transaction may have been frozen.
        """
        candidate = sa.select(_slots).where(is_free, _slots.c.slot == number)
        with self._engine.begin() as connection:
            row = connection.execute(candidate.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            renew_within(connection, worker, self.lease)
            taken = sa.update(_slots).where(self._mine, _slots.c.slot == number)
            changes = {"state": CLAIMED, "attempt": row.attempt + 1, "worker": worker, "token": token}
            claimed = connection.execute(
                taken.where(_slots.c.attempt == row.attempt, _slots.c.state == row.state).values(
                    **changes, lease=None
                )
            )
            if claimed.rowcount != 1:
                return None
        return slot_of(row, row.attempt + 1, worker, lapsed=row.state == CLAIMED)

    def _topped_up(self) -> bool:
        """Make the rows of the next slots, unless another worker does; False where there are none."""
        try:
            return self._top_up()
        except IntegrityError:
            return True

    def _top_up(self) -> bool:
        """Make the rows of the next slots; False where there are none, or the study goes on no more."""
        with self._engine.begin() as connection:
            return bool(connection.scalar(sa.select(self._goes_on))) and top_up_within(
                connection, self.ledger
            )

    def assign_within(self, connection: sa.Connection, slot: Slot, trial: int) -> bool:
        """Note the number of the trial that a claimed slot is spent on; False where the claim is lost.

        It is noted in a transaction of the caller's.
        """
        return self._change(connection, slot, trial=trial)

    def renew(self, slot: Slot, trained: tuple[float, float] | None = None) -> Renewal:
        """Renew the lease of a claim's worker, see `renew_within`; say what became of slot and study."""
        held = sa.exists().where(self._mine, *_claim(slot))
        query = sa.select(held, self.control.how_stopped)

        def renew() -> Renewal:
            with self._engine.begin() as connection:
                renew_within(connection, slot.worker, self.lease, trained)
                is_held, stopped = connection.execute(query).one()
            return Renewal(bool(is_held), stopped)

        return persistently(renew)

    def finish(self, slot: Slot) -> bool:
        """Mark a claimed slot as spent; False where the claim is lost."""
        return self._within(lambda connection: self.finish_within(connection, slot))

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
        return self._within(lambda connection: self.free_within(connection, slot, fresh=fresh))

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

    def pause_within(
        self, connection: sa.Connection, slot: Slot, *, seconds: float = 0.0, epochs: float = 0.0
    ) -> bool:
        """Have a claimed slot wait until it is taken up; see `finish_within`."""
        return self._change(connection, slot, state=PAUSED, lease=None, **_cost(seconds, epochs))

    def close_paused(self) -> list[int]:
        """Spend the slots that wait to be taken up, unless another one is claimed, and give their numbers."""
        is_claimed = sa.select(_slots.c.slot).where(self._mine, _slots.c.state == CLAIMED).limit(1)

        def close() -> list[int]:
            with self._engine.begin() as connection:
                if connection.execute(is_claimed).first() is not None:
                    return []
                waiting = sa.select(_slots.c.slot).where(self._paused).with_for_update()
                found = list(connection.scalars(waiting))
                closed = sa.update(_slots).where(self._paused, _slots.c.slot.in_(found))
                connection.execute(closed.values(state=DONE))
            return found

        return persistently(close)

    def _within(self, change: Callable[[sa.Connection], bool]) -> bool:
        def make() -> bool:
            with self._engine.begin() as connection:
                return change(connection)

        return persistently(make)

    def _change(self, connection: sa.Connection, slot: Slot, **changes: Any) -> bool:
        held = sa.update(_slots).where(self._mine, *_claim(slot))
        return connection.execute(held.values(**changes)).rowcount == 1

    def budget(self) -> Budget:
        """Count the slots by state; those that have no row yet are open."""
        return self._read(lambda connection: budget_within(connection, self.ledger))

    def paused(self) -> set[int]:
        """Name the slots that wait to be taken up."""
        waiting = sa.select(_slots.c.slot).where(self._paused)
        return self._read(lambda connection: set(connection.scalars(waiting)))

    def held(self) -> dict[int, int]:
        """Give the attempt that holds each claimed slot, by the slot's number."""
        claimed = sa.select(_slots.c.slot, _slots.c.attempt).where(self._mine, _slots.c.state == CLAIMED)
        return self._read(lambda connection: {row.slot: row.attempt for row in connection.execute(claimed)})

    def _read(self, read: Callable[[sa.Connection], _T]) -> _T:
        def connected() -> _T:
            with self._engine.connect() as connection:
                return read(connection)

        return persistently(connected)

    def delete(self) -> None:
        """Delete every slot of the study, its limits and its priority."""
        with self._engine.begin() as connection:
            delete_within(connection, self.ledger)
            connection.execute(sa.delete(_slots).where(self._mine))
            self.control.delete_within(connection)


def _claim(slot: Slot) -> tuple[sa.ColumnElement[bool], ...]:
    """Give the condition that a slot is still claimed as it was."""
    return _slots.c.slot == slot.number, _slots.c.state == CLAIMED, _slots.c.attempt == slot.attempt


def _cost(seconds: float, epochs: float) -> dict[str, Any]:
    return {"seconds": _slots.c.seconds + seconds, "epochs": _slots.c.epochs + epochs}
