"""How many slots a study has: a number of the study, while their rows are made as they are claimed.

A study of 10**10 trials costs no more than one of ten, because at most `AHEAD` rows wait to be claimed. A
slot's number says whether it explores, whenever its row is made.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from studies.database import schema
from studies.database.schema import CLAIMED, DONE, PAUSED

AHEAD = 100  # rows of slots made at once, when none is open

_slots, _budgets = schema.slots, schema.budgets


@dataclass(frozen=True)
class Budget:
    """How many slots there are in each state."""

    open: int
    claimed: int
    done: int
    paused: int = 0

    @property
    def total(self) -> int:
        """All slots of the study."""
        return self.open + self.claimed + self.paused + self.done


def budget_within(connection: sa.Connection, ledger: str) -> Budget:
    """Count the slots by state; those that have no row yet are open."""
    counting = sa.select(_slots.c.state, sa.func.count()).where(_slots.c.ledger == ledger)
    counts = {row[0]: row[1] for row in connection.execute(counting.group_by(_slots.c.state))}
    total = max(total_within(connection, ledger), sum(counts.values()))
    claimed, paused, done = (counts.get(state, 0) for state in (CLAIMED, PAUSED, DONE))
    return Budget(total - claimed - paused - done, claimed, done, paused)


def grow_within(connection: sa.Connection, ledger: str, total: int, exploration: float) -> None:
    """Raise the number of slots to `total`; the share `exploration` of the new ones, in front, explores.

    A study that has as many already stays as it is.

    Args:
        connection: in a transaction.
        ledger: the identifier that the study carries.
        total: of all slots.
        exploration: in [0, 1].

    Raises:
        IntegrityError: another process has raised the number meanwhile.
    """
    present = total_within(connection, ledger)
    if present < total:
        exploring = present + round(exploration * (total - present))
        row = {"ledger": ledger, "first": present, "total": total, "exploring": exploring}
        connection.execute(sa.insert(_budgets).values(**row))


def total_within(connection: sa.Connection, ledger: str) -> int:
    """Count all slots of a study, those included that have no row yet."""
    total = connection.scalar(sa.select(sa.func.max(_budgets.c.total)).where(_budgets.c.ledger == ledger))
    # A worker of an older version may have added rows while this one brought the tables up to date.
    return max(total or 0, _rows(connection, ledger))


def top_up_within(connection: sa.Connection, ledger: str) -> bool:
    """Make the rows of the next slots; False where every slot of the study has one.

    Raises:
        IntegrityError: another process has made them meanwhile.
    """
    first = _rows(connection, ledger)
    ahead = sa.select(_budgets).where(_budgets.c.ledger == ledger, _budgets.c.total > first)
    rows: list[dict[str, Any]] = []
    for raised in connection.execute(ahead.order_by(_budgets.c.first)):
        rows += [
            # The first slot is the defaults, in every study.
            {"ledger": ledger, "slot": number, "explore": number == 0 or number < raised.exploring}
            for number in range(max(first, raised.first), min(raised.total, first + AHEAD))
        ]
    if rows:
        connection.execute(sa.insert(_slots).values(rows))  # one statement, where many would be a pipeline
    return bool(rows)


def exploring_within(connection: sa.Connection, ledger: str, first: int, end: int) -> frozenset[int]:
    """Name the slots from `first` up to `end`, itself left out, that explore; those without a row do not."""
    there = sa.select(_slots.c.slot).where(_slots.c.ledger == ledger, _slots.c.explore)
    return frozenset(map(int, connection.scalars(there.where(_slots.c.slot >= first, _slots.c.slot < end))))


def delete_within(connection: sa.Connection, ledger: str) -> None:
    """Forget how many slots a study has, in a transaction of the caller's."""
    connection.execute(sa.delete(_budgets).where(_budgets.c.ledger == ledger))


def _rows(connection: sa.Connection, ledger: str) -> int:
    """Count the rows of a study's slots, whose numbers have no gap."""
    last = connection.scalar(sa.select(sa.func.max(_slots.c.slot)).where(_slots.c.ledger == ledger))
    return 0 if last is None else last + 1
