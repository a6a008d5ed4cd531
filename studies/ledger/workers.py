"""The workers of a database: each has a row that it renews, and what it holds is its own while it does.

A lease belongs to a worker and not to a slot, since one worker may hold many. It runs on the database's
clock. A worker whose lease has lapsed frees all its slots; one that comes back holds what nobody has claimed
meanwhile.
"""

import os
import socket
import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from studies.database import schema
from studies.database.clock import now
from studies.database.optuna_tables import upsert
from studies.database.retry import persistently
from studies.database.schema import CLAIMED, NAME_LENGTH

LEASE = 60.0  # seconds that a worker holds its slots without renewing its lease
RENEWAL = 15.0  # seconds between two renewals
_RECENT = 900.0  # seconds since its lease within which a worker may still wait for a slot
FORGOTTEN = 7 * 86400.0  # seconds after which a worker that vanished is no longer listed

LOOKS = 100.0  # for a slot in a second, of all workers of a database together, while none is free
LONGEST = 10.0  # seconds between two looks of one worker, at most

_workers, _slots = schema.workers, schema.slots


@dataclass(frozen=True)
class WorkerRecord:
    """A worker as the database knows it.

    `identifier` is unique for good. `host` and `process` say where it runs. `started` is for how many seconds
    it has been known. `left` is how many seconds its lease still holds, negative once it has lapsed. `slots`
    are those it holds, each by the ledger of its study and its number.
    """

    identifier: str
    host: str
    process: int
    started: float
    left: float
    slots: tuple[tuple[str, int], ...]


def worker_name(process: int, token: str | None = None) -> str:
    """Name the worker that is a process of this machine.

    Host and process alone do not tell workers apart: containers may share a host's name, and each has a
    process 1. The `token` does; without one a random one is made.
    """
    return f"{token or worker_token()}@{socket.gethostname()}:{process}"


def worker_token() -> str:
    """Make what tells a worker from any other."""
    return uuid.uuid4().hex[:12]


def is_alive(worker: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Give the condition that the worker that a column names holds its lease."""
    return sa.exists().where(_workers.c.worker == worker, _workers.c.lease >= now())


class Workers:
    """The workers of a database."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the workers of a database."""
        self._engine = engine

    def renew(self, worker: str, lease: float = LEASE, *, patience: float | None = None) -> None:
        """Let a worker, which is a process of this machine, hold what it has for `lease` seconds more."""

        def write() -> None:
            with self._engine.begin() as connection:
                renew_within(connection, worker, lease)

        persistently(write, patience=patience)

    def pause(self, least: float) -> float:
        """Give the seconds, `least` of them or more, until one worker of all looks again for a free slot."""
        is_recent = _workers.c.lease >= now() - _RECENT

        def read() -> int:
            with self._engine.connect() as connection:
                return connection.scalar(sa.select(sa.func.count()).where(is_recent)) or 0

        return max(least, min(LONGEST, persistently(read) / LOOKS))

    def leave(self, worker: str) -> None:
        """Forget a worker that ends or is dead, whose slots are free then, and those long gone."""
        holds = sa.exists().where(_slots.c.worker == _workers.c.worker, _slots.c.state == CLAIMED)
        is_long_gone = _workers.c.lease < now() - FORGOTTEN
        long_gone = sa.select(_workers.c.worker).where(is_long_gone, ~holds)

        def write() -> None:
            # Found first and deleted by the key, since a DELETE that looks at slots would lock them on MySQL.
            with self._engine.connect() as connection:
                gone = list(connection.scalars(long_gone))
            for name in (worker, *gone):
                is_forgotten = sa.true() if name == worker else is_long_gone
                with self._engine.begin() as connection:
                    connection.execute(sa.delete(_workers).where(_workers.c.worker == name, is_forgotten))

        persistently(write)

    def listed(self) -> list[WorkerRecord]:
        """List the workers that have not left in order, the first that was known first."""
        known = sa.select(
            _workers.c.worker,
            _workers.c.host,
            _workers.c.process,
            (now() - _workers.c.started).label("known"),
            (_workers.c.lease - now()).label("remains"),
        ).order_by(_workers.c.started, _workers.c.worker)
        claimed = sa.select(_slots.c.worker, _slots.c.ledger, _slots.c.slot).where(_slots.c.state == CLAIMED)

        def read() -> list[WorkerRecord]:
            with self._engine.connect() as connection:
                held: dict[str, list[tuple[str, int]]] = {}
                for row in connection.execute(claimed):
                    held.setdefault(row.worker, []).append((row.ledger, row.slot))
                return [
                    WorkerRecord(
                        row.worker,
                        row.host,
                        row.process,
                        float(row.known),
                        float(row.remains),
                        tuple(sorted(held.get(row.worker, []))),
                    )
                    for row in connection.execute(known)
                ]

        return persistently(read)


def renew_within(connection: sa.Connection, worker: str, lease: float) -> None:
    """Renew the lease of a worker in a transaction of the caller's; one that is not known yet is entered."""
    row = {
        "worker": worker,
        "host": socket.gethostname()[:NAME_LENGTH],
        "process": os.getpid(),
        "started": now(),
        "lease": now() + lease,
    }
    upsert(connection, _workers, ("worker",), row, changed=("lease",))
