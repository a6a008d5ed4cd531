"""A slot that a worker has claimed."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from studies.database import schema
from studies.database.schema import DONE

_slots = schema.slots


@dataclass(frozen=True)
class Slot:
    """A claimed slot.

    `attempt` counts its claims from 1. `draw` counts the suggestions that an error in the user's code has
    used up. `trial` is the number of the trial of an earlier attempt that this one takes up again, or None.
    `lapsed` says that the worker of the attempt before may have left something behind. `worker` identifies
    the worker that has claimed it.
    """

    number: int
    explore: bool
    attempt: int
    draw: int
    trial: int | None
    lapsed: bool
    worker: str


@dataclass(frozen=True)
class Renewal:
    """What a worker hears as it renews its lease.

    `is_held` says whether the slot is still its own, `stopped` how the study was stopped; None while it is
    open.
    """

    is_held: bool
    stopped: str | None


def slot_of(row: Any, attempt: int, worker: str, *, lapsed: bool) -> Slot:
    """Read a slot's row, for an attempt at it."""
    # SQLite keeps a text where a number belongs, and checkpoints are named after these.
    return Slot(int(row.slot), row.explore, int(attempt), int(row.draw), row.trial, lapsed, worker)


def is_due(ledger: str, window: int | None) -> sa.ColumnElement[bool]:
    """Give the condition that all is told by which a slot is chosen, as `Slots` takes the window."""
    if window is None:
        return sa.true()
    before = _slots.alias()
    is_awaited = sa.exists().where(
        before.c.ledger == ledger, before.c.state != DONE, before.c.slot <= _slots.c.slot - window
    )
    return sa.or_(_slots.c.explore, ~is_awaited)
