"""The workers of a database: each has a row that it renews, and what it holds is its own while it does.

A lease belongs to a worker and not to a slot, since one worker may hold many. It runs on the database's
clock. A worker whose lease has lapsed frees all its slots; one that comes back holds what nobody has claimed
meanwhile.
"""

import os
import re
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from studies.database import schema
from studies.database.clock import now
from studies.database.optuna_tables import upsert
from studies.database.retry import persistently
from studies.database.schema import (
    ADDED_TO_WORKERS,
    CLAIMED,
    MARK_LENGTH,
    NAME_LENGTH,
    VERSION,
    WITH_WORKERS,
    version_of,
)

LEASE = 60.0  # seconds that a worker holds its slots without renewing its lease
RENEWAL = 15.0  # seconds between two renewals
_RECENT = 900.0  # seconds since its lease within which a worker may still wait for a slot
FORGOTTEN = 7 * 86400.0  # seconds after which a worker that vanished is no longer listed
LAUNCH = "TUNER_LAUNCH"  # variable by which an engine says that it has started a worker: engine:job:index

LOOKS = 100.0  # for a slot in a second, of all workers of a database together, while none is free
LONGEST = 10.0  # seconds between two looks of one worker, at most

_workers, _slots = schema.workers, schema.slots


@dataclass(frozen=True)
class WorkerRecord:
    """A worker as the database knows it.

    `identifier` is unique for good. `host` and `process` say where it runs. `started` is for how many seconds
    it has been known. `left` is how many seconds its lease still holds, negative once it has lapsed. `launch`
    is what the engine calls it that has started it. `epochs` is what its trial has trained by its last
    heartbeat, or what its last one had, and `seconds` how long that took. `claims` are the slots it holds.
    """

    identifier: str
    host: str
    process: int
    started: float
    left: float
    launch: str | None
    epochs: float | None
    seconds: float | None
    claims: tuple["Claim", ...]

    @property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """The slots it holds, each by the ledger of its study and its number."""
        return tuple(claim.place for claim in self.claims)

    @property
    def rate(self) -> float | None:
        """Epochs per second; None while none of its trials has trained one."""
        return self.epochs / self.seconds if self.epochs and self.seconds else None

    @property
    def silent(self) -> float:
        """How many seconds ago it was heard of."""
        return max(0.0, LEASE - self.left)

    @property
    def is_gone(self) -> bool:
        """Whether its lease has lapsed."""
        return self.left <= 0.0


@dataclass(frozen=True)
class Claim:
    """A slot that a worker holds: the ledger of its study, its number, which attempt, and the trial's number.

    The trial is None until there is one, or that of an earlier attempt until there is the next.
    """

    ledger: str
    slot: int
    attempt: int
    trial: int | None

    @property
    def place(self) -> tuple[str, int]:
        """The slot: the ledger of its study, and its number."""
        return self.ledger, self.slot


def worker_name(process: int, token: str | None = None) -> str:
    """Name the worker that is a process of this machine.

    Host and process alone do not tell workers apart: containers may share a host's name, and each has a
    process 1. The `token` does; without one a random one is made.
    """
    return f"{token or worker_token()}@{host_name()}:{process}"


def host_name() -> str:
    """Name this machine as a worker does."""
    return plain(socket.gethostname(), NAME_LENGTH // 2)


def worker_token() -> str:
    """Make what tells a worker from any other."""
    return uuid.uuid4().hex[:12]


def plain(text: str, longest: int) -> str:
    """Write a text of a machine so that every database takes it: printable ASCII, cut where it is long."""
    return re.sub("[^ -~]", "?", text)[:longest]


def is_alive(worker: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Give the condition that the worker that a column names holds its lease."""
    return sa.exists().where(_workers.c.worker == worker, _workers.c.lease >= now())


class Workers:
    """The workers of a database."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the workers of a database."""
        self._engine = engine

    def renew(self, worker: str, lease: float = LEASE, *, patience: float | None = None) -> None:
        """Let a worker, which is a process of this machine, hold what it has for `lease` seconds more.

        A worker that holds nothing says by this that it is there.
        """

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
        """List the workers that have not left in order, the first that was known first.

        Nothing is changed: tables of an older version, which know less of a worker, are read as they are.
        """
        version = version_of(self._engine)
        if version < WITH_WORKERS:
            return []
        known = sa.select(
            *(column for column in _workers.c if version >= VERSION or column.name not in ADDED_TO_WORKERS),
            (now() - _workers.c.started).label("known"),
            (_workers.c.lease - now()).label("remains"),
        ).order_by(_workers.c.started, _workers.c.worker)
        columns = (_slots.c.worker, _slots.c.ledger, _slots.c.slot, _slots.c.attempt, _slots.c.trial)
        claimed = sa.select(*columns).where(_slots.c.state == CLAIMED)

        def read() -> list[WorkerRecord]:
            with self._engine.connect() as connection:
                held: dict[str, list[Claim]] = {}
                for row in connection.execute(claimed):
                    held.setdefault(row.worker, []).append(
                        Claim(row.ledger, row.slot, row.attempt, row.trial)
                    )
                return [
                    WorkerRecord(
                        identifier=row["worker"],
                        host=row["host"],
                        process=row["process"],
                        started=float(row["known"]),
                        left=float(row["remains"]),
                        claims=tuple(sorted(held.get(row["worker"], []), key=lambda one: one.place)),
                        **{name: row.get(name) for name in ADDED_TO_WORKERS},
                    )
                    for row in connection.execute(known).mappings()
                ]

        return persistently(read)

    def of_ledger(self, ledger: str) -> set[str]:
        """Name the workers that were the last to claim some slot of a ledger."""
        query = sa.select(_slots.c.worker).where(_slots.c.ledger == ledger).distinct()

        def read() -> set[str]:
            with self._engine.connect() as connection:
                return {name for name in connection.scalars(query) if name is not None}

        return persistently(read)


def renew_within(
    connection: sa.Connection, worker: str, lease: float, trained: tuple[float, float] | None = None
) -> None:
    """Renew the lease of a worker in a transaction of the caller's; one that is not known yet is entered.

    Args:
        connection: in a transaction.
        worker: a process of this machine.
        lease: seconds.
        trained: the epochs of its trial so far, and the seconds that they took.
    """
    launch = os.environ.get(LAUNCH)
    row: dict[str, Any] = {
        "worker": worker,
        "host": host_name(),
        "process": os.getpid(),
        "started": now(),
        "lease": now() + lease,
        "launch": plain(launch, MARK_LENGTH) if launch else None,
        **_trained(trained),
    }
    upsert(connection, _workers, ("worker",), row, changed=("lease", *_trained(trained)))


def trained_within(connection: sa.Connection, worker: str, trained: tuple[float, float]) -> None:
    """Note in a transaction of the caller's what the trial of a worker has trained; see `renew_within`."""
    if row := _trained(trained):
        connection.execute(sa.update(_workers).where(_workers.c.worker == worker).values(**row))


def _trained(trained: tuple[float, float] | None) -> Mapping[str, float]:
    """Give the columns; none before the first epoch, so that those of an earlier trial stay."""
    return dict(zip(("epochs", "seconds"), trained, strict=True)) if trained and all(trained) else {}
