"""The workers of a database and what each of them trains: one value that every screen is drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from optuna.trial import TrialState

from studies.database.clock import now
from studies.database.identity import ledgers, names
from studies.database.open import Database
from studies.database.optuna_columns import trials
from studies.database.retry import persistently
from studies.ledger.absent import in_words
from studies.ledger.fleet.workers import Claim, WorkerRecord, Workers

_MOST_IN_LIST = 400  # numbers of an IN
AT_WORK, WAITING, GONE = "at work", "waiting", "gone"  # states of a worker


@dataclass(frozen=True)
class Held:
    """A slot that a worker holds.

    Attributes:
        study: the name of its study.
        ledger: of the study.
        slot: its number.
        attempt: which attempt at it, counted from 1.
        trial: the number of the trial that runs in it, once there is one.
        seconds: for how long that has run, by the database's clock.
    """

    study: str
    ledger: str
    slot: int
    attempt: int
    trial: int | None
    seconds: float | None


@dataclass(frozen=True)
class FleetWorker:
    """A worker, and what it holds."""

    worker: WorkerRecord
    held: Sequence[Held]

    @property
    def state(self) -> str:
        """Whether it trains, waits for a slot, or is not heard of any more."""
        if self.worker.is_gone:
            return GONE
        return AT_WORK if self.held else WAITING

    @property
    def is_gone(self) -> bool:
        """Whether its lease has lapsed."""
        return self.worker.is_gone

    @property
    def loss(self) -> str | None:
        """Say of a worker that is gone since when, and what becomes of its slots; None of any other."""
        if not self.worker.is_gone:
            return None
        count = len(self.held)
        slots = "it held no slot" if not count else "its slot is free" if count == 1 else "its slots are free"
        return f"gone for {in_words(self.worker.silent)}, {slots}"

    @property
    def engine(self) -> tuple[str, str] | None:
        """Which engine has started it, and what that calls it; None where nobody says so."""
        if not self.worker.launch:
            return None
        name, _, rest = self.worker.launch.partition(":")
        return name, rest

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON; times in seconds."""
        worker = self.worker
        return {
            "worker": worker.identifier,
            "host": worker.host,
            "process": worker.process,
            "state": self.state,
            "known_for": round(worker.started, 1),
            "last_heartbeat": round(worker.silent, 1),
            "epochs_per_second": worker.rate,
            "engine": None if self.engine is None else self.engine[0],
            "engine_name": None if self.engine is None else self.engine[1],
            "loss": self.loss,
            "holds": [
                {
                    "study": held.study,
                    "slot": held.slot,
                    "attempt": held.attempt,
                    "trial": held.trial,
                    "seconds": None if held.seconds is None else round(held.seconds, 1),
                }
                for held in self.held
            ],
        }


@dataclass(frozen=True)
class Fleet:
    """The workers of a database that have not left in order: those that train, that wait, that are gone."""

    workers: Sequence[FleetWorker]

    def count(self, state: str) -> int:
        """Count those in a state."""
        return sum(worker.state == state for worker in self.workers)

    @property
    def in_words(self) -> str:
        """Say how many there are."""
        counts = {state: self.count(state) for state in (AT_WORK, WAITING, GONE)}
        return ", ".join(f"{count} {state}" for state, count in counts.items() if count or state == AT_WORK)


def fleet_of(database: Database, ledger: str | None = None) -> Fleet:
    """Look at the workers, those at work first, those that are gone last.

    Args:
        database: whose workers they are.
        ledger: only those that hold a slot of it, or were the last to hold one.
    """
    workers = Workers(database.engine)
    listed = workers.listed()
    if ledger is not None:
        own = workers.of_ledger(ledger)
        listed = [worker for worker in listed if worker.identifier in own]
    claims = [claim for worker in listed for claim in worker.claims]
    known = _known(database, claims) if claims else {}
    rows = [
        FleetWorker(worker, [known[claim] for claim in worker.claims if claim in known]) for worker in listed
    ]
    order = (AT_WORK, WAITING, GONE)
    return Fleet(sorted(rows, key=lambda row: order.index(row.state)))


def _known(database: Database, claims: Sequence[Claim]) -> Mapping[Claim, Held]:
    """Give what is known of claims; nothing of those whose study is gone."""
    engine = database.engine
    studies, called, time = ledgers(engine), names(engine), _time(engine)
    began: dict[str, dict[int, datetime | None]] = {}
    for ledger in {claim.ledger for claim in claims} & set(studies):
        numbers = [claim.trial for claim in claims if claim.ledger == ledger and claim.trial is not None]
        began[ledger] = _running(engine, studies[ledger], numbers)
    found = {}
    for claim in claims:
        name = called.get(studies.get(claim.ledger, -1))
        if name is None:
            continue
        runs = claim.trial is not None and claim.trial in began[claim.ledger]
        start = began[claim.ledger].get(claim.trial) if claim.trial is not None else None
        seconds = None if start is None else max(0.0, time - start.replace(tzinfo=UTC).timestamp())
        trial = claim.trial if runs else None
        found[claim] = Held(name, claim.ledger, claim.slot, claim.attempt, trial, seconds)
    return found


def _running(engine: sa.Engine, study: int, numbers: Sequence[int]) -> dict[int, datetime | None]:
    """Give when those of some trials began that run for Optuna, by their numbers in their study."""
    query = sa.select(trials.c.number, trials.c.datetime_start).where(
        trials.c.study_id == study, trials.c.state == TrialState.RUNNING
    )

    def read() -> dict[int, datetime | None]:
        found: dict[int, datetime | None] = {}
        with engine.connect() as connection:
            for first in range(0, len(numbers), _MOST_IN_LIST):
                part = numbers[first : first + _MOST_IN_LIST]
                rows = connection.execute(query.where(trials.c.number.in_(part)))
                found |= {row.number: row.datetime_start for row in rows}
        return found

    return persistently(read)


def _time(engine: sa.Engine) -> float:
    def read() -> float:
        with engine.connect() as connection:
            return float(connection.scalar(sa.select(now())) or 0.0)

    return persistently(read)
