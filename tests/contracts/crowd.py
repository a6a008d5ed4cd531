"""A crowd of light workers on one database, and what it costs the server while they work."""

import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import psutil
import sqlalchemy

from tests.contracts.many_workers import Pace, serve_many

CONTEXT = multiprocessing.get_context("forkserver")
PRELOADED = ["tests.contracts.warm", "tests.contracts.many_workers"]


@dataclass
class Crowd:
    """Workers of one study in processes of `each` workers.

    Attributes:
        url: of the database.
        study: its name.
        pace: of the workers.
        folder: takes the times of their calls.
        each: workers of a process.
    """

    url: str
    study: str
    pace: Pace
    folder: Path
    each: int
    processes: list[ForkServerProcess] = field(default_factory=list)
    _seed: int = 0

    def add(self, workers: int, pace: Pace | None = None) -> None:
        """Start so many workers more, of another pace where one is given."""
        for first in range(0, workers, self.each):
            count = min(self.each, workers - first)
            arguments = (self.url, self.study, pace or self.pace, self.folder, (self._seed, count))
            self.processes.append(CONTEXT.Process(target=serve_many, args=arguments))
            self.processes[-1].start()
            self._seed += 1

    def lose(self, processes: int = 1) -> int:
        """Kill (-9) the first processes that live, and start as many; give how many workers were lost."""
        living = [process for process in self.processes if process.is_alive()][:processes]
        for process in living:
            process.kill()
            process.join()
            self.processes.remove(process)
        self.add(self.each * len(living))
        return self.each * len(living)

    def until(self, happens: Callable[[], bool], patience: float) -> None:
        """Wait until something has happened; what the workers noted is told where it has not, in seconds."""
        deadline = time.monotonic() + patience
        while not happens():
            living = sum(process.is_alive() for process in self.processes)
            noted = {what: len(times) for what, times in self.times().items()}
            assert time.monotonic() < deadline, f"{living} processes live, and they have noted {noted}"
            time.sleep(0.05)

    def wait(self, patience: float) -> bool:
        """Wait until every worker has left; False where one has not within the patience, in seconds."""
        deadline = time.monotonic() + patience
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        return not any(process.is_alive() for process in self.processes)

    def end(self) -> None:
        """Kill those that are left."""
        for process in self.processes:
            process.kill()
            process.join()

    def processor(self) -> float:
        """Give the seconds of processor that the living workers have used."""
        return sum(_processor(process.pid) for process in self.processes if process.is_alive())

    def times(self, since: float = 0.0, until: float = np.inf) -> Mapping[str, Sequence[float]]:
        """Give how long calls took that ended within some time of day, in seconds, by what was called."""
        found = defaultdict(list)
        for path in self.folder.glob("*.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                what, at, seconds = json.loads(line)
                if since <= at < until:
                    found[what].append(seconds)
        return found


@contextmanager
def crowd(url: str, study: str, pace: Pace, folder: Path, *, each: int) -> Iterator[Crowd]:
    """Give a crowd without workers, and kill those that are left at the end."""
    CONTEXT.set_forkserver_preload(PRELOADED)
    made = Crowd(url, study, pace, folder, each)
    try:
        yield made
    finally:
        made.end()


@dataclass(frozen=True)
class Load:
    """What a server has done up to a moment: seconds of processor, transactions, rows read and written."""

    at: float
    processor: float
    transactions: int
    read: int
    written: int

    @staticmethod
    def of(engine: sqlalchemy.Engine, postmaster: int) -> "Load":
        """Ask a PostgreSQL, whose first process is `postmaster`."""
        asked = (
            "SELECT xact_commit + xact_rollback, tup_returned, tup_inserted + tup_updated + tup_deleted "
            "FROM pg_stat_database WHERE datname = current_database()"
        )
        with engine.connect() as connection:
            row = connection.exec_driver_sql(asked).one()
        return Load(time.monotonic(), _processor(postmaster), int(row[0]), int(row[1]), int(row[2]))


def _processor(process: int | None) -> float:
    """Give the seconds of processor of a process and of its children, those that have ended included."""
    first = psutil.Process(process)
    own = first.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in first.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
