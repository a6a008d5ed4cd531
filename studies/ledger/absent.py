"""Trials whose workers have vanished: in Optuna's tables they run for good.

A worker holds what it has for as long as it renews its lease, on the database's clock. Once the lease has
lapsed the worker may be dead, or cut off from the database, and comes back. So its trials are shown as left
from then on; they are ended only when somebody takes up their slots, or after a time that no worker waits for
its database.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import sqlalchemy as sa
from optuna.trial import FrozenTrial, TrialState

from studies.database import schema
from studies.database.clock import now
from studies.database.retry import PATIENCE, persistently
from studies.database.schema import CLAIMED
from studies.ledger.fleet.workers import LEASE
from studies.trials.attributes import ATTEMPT, OUTCOME, SLOT
from studies.trials.outcomes import Outcome

GIVEN_UP = PATIENCE + 5 * LEASE  # seconds after which a worker that went away has given up too
NEVER = -1e9  # seconds that the lease of a worker remains that is known to be dead
_slots, _workers = schema.slots, schema.workers


@dataclass(frozen=True)
class Left:
    """A trial that was left, and for how many seconds its worker has been silent; None where nobody knows."""

    trial: FrozenTrial
    seconds: float | None


def left_among(
    running: Sequence[FrozenTrial], engine: sa.Engine, ledger: str, runs_still: Callable[[FrozenTrial], bool]
) -> list[Left]:
    """Keep those of the running trials of a ledger that nobody trains any more.

    Args:
        running: trials that run for Optuna.
        engine: the database.
        ledger: whose slots they are attempts at.
        runs_still: looks at a trial once more, since it may have been told meanwhile.
    """
    if not running:
        return []
    leases, found = _leases(engine, ledger), []
    for trial in running:
        remains = leases.get((trial.user_attrs[SLOT], trial.user_attrs[ATTEMPT]))
        if (remains is None or remains < 0) and runs_still(trial):
            is_known = remains is not None and remains > NEVER / 2
            found.append(Left(trial, LEASE - remains if remains is not None and is_known else None))
    return found


def as_lost(left: Left) -> FrozenTrial:
    """Give a trial that was left as it will be told."""
    trial = copy(left.trial)
    trial.state = TrialState.FAIL
    trial.user_attrs = {**trial.user_attrs, OUTCOME: Outcome.LOST.value, "cause": sentence([left])}
    return trial


def sentence(left: list[Left]) -> str:
    """Say what was left, and when."""
    one = len(left) == 1
    known = [trial.seconds for trial in left if trial.seconds is not None]
    ago = f" {in_words(min(known))} ago" if known else ""
    return (
        f"{len(left)} {'trial was' if one else 'trials were'} left when "
        f"{'its worker' if one else 'their workers'} went away{ago}"
    )


def in_words(seconds: float) -> str:
    """Write a time as people say it."""
    for unit, length in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 2 * length or (unit == "minute" and seconds >= length):
            count = round(seconds / length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(seconds)} seconds"


def _leases(engine: sa.Engine, ledger: str) -> dict[tuple[int, int], float]:
    """Give for how many seconds each claimed slot is still held, by its number and attempt."""
    # Workers of version 2 of the tables renewed the lease of the slot.
    remains = sa.func.coalesce(_workers.c.lease, _slots.c.lease, 0.0) - now()
    query = (
        sa.select(_slots.c.slot, _slots.c.attempt, remains.label("remains"))
        .select_from(_slots.outerjoin(_workers, _workers.c.worker == _slots.c.worker))
        .where(_slots.c.ledger == ledger, _slots.c.state == CLAIMED)
    )

    def read() -> dict[tuple[int, int], float]:
        with engine.connect() as connection:
            return {(row.slot, row.attempt): float(row.remains) for row in connection.execute(query)}

    return persistently(read)
