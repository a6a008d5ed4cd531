"""Many light workers in a few processes, a thread each: what a cluster asks of a database, without training.

Each has an identifier, a lease and connections of its own, as a worker's process has; it claims, asks,
reports, renews and tells by the code that a worker runs. A process that is killed is a machine that is lost
with all its workers in mid-trial.
"""

import copy
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import sqlalchemy

from studies.database.dialects import dialect_of
from studies.database.open import Database, open_database
from studies.database.retry import PATIENCE
from studies.ledger.fleet.workers import worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.ledger.slots import Slots
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import pruner_of, report
from studies.trials.outcomes import Outcome
from tuner.workers.worker import pause_of, renewed

_COMPILED: dict[Any, Any] = {}
STACK = 256 * 1024  # bytes for each thread


@dataclass(frozen=True)
class Pace:
    """How workers pace.

    Attributes:
        trial: seconds of a trial on average; each takes from half to one and a half times as long.
        validations: scores of a trial.
        start: seconds within which the workers of a process begin.
        lease: seconds that a worker holds its slots without renewing its lease.
        renewal: seconds between two renewals.
        nicer: by how much their process gives way to others of the machine, as `nice` counts.
    """

    trial: float
    validations: int
    start: float
    lease: float
    renewal: float
    nicer: int = 0


class Notes:
    """Times of calls, written to a file as they end, so that those of a process that is killed remain."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def add(self, what: str, seconds: float) -> None:
        """Write down a call that has just ended."""
        with self._lock:
            self._file.write(f"{json.dumps([what, time.time(), seconds])}\n")

    def timed(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give a call that is written down each time."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            given = call(*arguments, **named)
            self.add(what, time.perf_counter() - began)
            return given

        return timed


def serve_many(url: str, name: str, pace: Pace, folder: Path, draws: tuple[int, int]) -> None:
    """Be workers of a study until it is over; times of calls go to a file in `folder`.

    `draws` are the seed of how long trials take, and the number of workers.
    """
    logging.disable(logging.WARNING)
    seed, count = draws
    os.nice(pace.nicer)
    threading.stack_size(STACK)
    with (folder / f"{os.getpid()}.jsonl").open("a", buffering=1, encoding="utf-8") as file:
        notes = Notes(file)
        shared = notes.timed("open", lambda: open_ledger(open_database(url, patience=PATIENCE), name))()
        threads = [
            threading.Thread(target=_live, args=(shared, np.random.default_rng([seed, one]), pace, notes))
            for one in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _live(shared: Ledger, draw: np.random.Generator, pace: Pace, notes: Notes) -> None:
    """Be one worker, and write down what it dies of, if it does."""
    time.sleep(float(draw.uniform(0.0, pace.start)))
    ledger = _of_its_own(shared, pace.lease)
    try:
        _work(ledger, draw, pace, notes)
    except Exception as error:
        notes.add(f"dead: {type(error).__name__}: {str(error).splitlines()[0]}", 0.0)
        raise
    finally:
        ledger.database.engine.dispose()


def _of_its_own(shared: Ledger, lease: float) -> Ledger:
    """Open a study again with connections of its own; Optuna's cache of finished trials is the process's."""
    opened = shared.database.engine
    engine = sqlalchemy.Engine(opened.pool.recreate(), opened.dialect, opened.url)
    engine.update_execution_options(compiled_cache=_COMPILED)  # once a process, where a worker's has one
    dialect_of(engine).prepare(engine, writing=True)
    slots = Slots(engine, shared.identifier, shared.slots.ledger, lease=lease)
    database = Database(shared.database.storage, engine)
    return replace(shared, study=copy.copy(shared.study), database=database, slots=slots)


def _work(ledger: Ledger, draw: np.random.Generator, pace: Pace, notes: Notes) -> None:
    slots, who, stop = ledger.slots, worker_name(os.getpid()), threading.Event()
    for call in ("claim", "renew"):
        setattr(slots, call, notes.timed(call, getattr(slots, call)))
    asked, told = notes.timed("ask", ask), notes.timed("tell", tell)
    ledger.study.pruner = pruner_of(ledger)
    while True:
        running = asked(ledger, who)
        if running is None:
            if notes.timed("over", ledger.over)():
                break
            time.sleep(pause_of(ledger))
            continue
        seconds = pace.trial * float(draw.uniform(0.5, 1.5))
        with renewed(ledger, running, stop, pace.renewal):
            for step in range(1, pace.validations + 1):
                time.sleep(seconds / pace.validations)
                notes.timed("report", report)(running, step, running.number + 1.0 / step)
            is_told = told(ledger, running, Outcome.COMPLETED, float(running.number), {})
        notes.add("told" if is_told else "told too late", 0.0)
    slots.workers.leave(who)
