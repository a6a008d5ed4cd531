"""Two workers while ten people look at their study, against the same two workers alone.

    python -m tests.benchmarks.dashboard_polling [PAIRS]

`tuner dashboard` runs beside the workers, on the same cores. Five clients do what optuna-dashboard does: they
ask for the study every ten seconds, from the trial that they know on. Five do what our page does: they
listen to its events, and ask for the page again where it has changed, after a second and ten times as long as
the last answer took.

The rate of one machine varies by a third from minute to minute, so both are measured within one run: for
`BLOCK` seconds the dashboard is looked at, for `BLOCK` seconds it stands still (stopped by a signal, with
its analysis), the order changing from pair to pair. What is counted is validations.
"""

import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from studies.trials.outcomes import Outcome
from tests.benchmarks.throughput import PROCESSES, make
from tests.tuner.workers.watching import Watching
from tuner.workers.events import ShownTrial
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.processes.quiet import silence

HIDDEN, SLOTS = "[512, 512]", 4000  # more than are trained
CLIENTS, EVERY = 5, 10.0  # of each kind, and seconds between two requests of optuna-dashboard's page
BLOCK, PAIRS = 20.0, 15  # seconds of one block, and how many pairs of blocks
DRAWS = 2000  # of the pairs, for the interval of the ratio


class Clients:
    """Ten people who look at the study with number 1."""

    def __init__(self, port: int, study: str) -> None:
        self.port, self.study = port, study
        self.answers: Counter[str] = Counter()
        self.stop = threading.Event()
        kinds = [self.poll] * CLIENTS + [self.listen] * CLIENTS
        self.threads = [
            threading.Thread(target=self.until_the_end, args=(kind,), daemon=True) for kind in kinds
        ]

    def until_the_end(self, look: Callable[[], None]) -> None:
        """Look, until the server is ended."""
        try:
            look()
        except (OSError, http.client.HTTPException):
            if not self.stop.is_set():
                raise

    def get(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        """Ask for a page, and count the status of the answer."""
        try:
            connection.request("GET", path, headers={"Accept": "text/html"})
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):  # nothing was asked on it for long
            connection.close()
            connection.request("GET", path, headers={"Accept": "text/html"})
            answer = connection.getresponse()
        self.answers[f"{path.split('/')[1]} {answer.status}"] += 1
        return answer.read()

    def poll(self) -> None:
        """Ask as optuna-dashboard's page does."""
        connection, known = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), 0
        while True:
            trials = json.loads(self.get(connection, f"/api/studies/1?after={known}"))["trials"]
            known += sum(trial["state"] not in {"Running", "Waiting"} for trial in trials)
            if self.stop.wait(EVERY):
                return

    def listen(self) -> None:
        """Ask as our page does: again where an event names another version, and not at once."""
        changed = threading.Event()
        pages = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        path = f"/interplay/studies/{self.study}"
        self.get(pages, path)
        threading.Thread(target=self.until_the_end, args=(lambda: self.hear(changed),), daemon=True).start()
        while changed.wait() and not self.stop.is_set():
            changed.clear()
            began = time.perf_counter()
            self.get(pages, path)
            self.stop.wait(max(1.0, 10 * (time.perf_counter() - began)))

    def hear(self, changed: threading.Event) -> None:
        """Follow the events of the study."""
        events = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        events.request("GET", f"/interplay/events?study={self.study}")
        for line in events.getresponse():
            if line.startswith(b"event: change"):
                changed.set()


def seconds_of(process: int) -> float:
    """Give the seconds of processor that a process and its ended children have taken."""
    spent = psutil.Process(process).cpu_times()
    return float(spent.user + spent.system + spent.children_user + spent.children_system)


@contextmanager
def looked_at(folder: Path, study: str) -> Iterator[tuple[psutil.Process, Counter[str]]]:
    """Serve the dashboard of a folder's database to ten people; give its process and what it answers."""
    code = "from tuner.commands.start import main; main()"
    options = ["dashboard", "--port", "0", "--storage", f"sqlite:///{folder}/tuner.db"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = re.search(r":(\d+)/", process.stdout.readline())
        assert port is not None
        clients = Clients(int(port[1]), study)
        for thread in clients.threads:
            thread.start()
        while clients.answers.total() < 2 * CLIENTS:  # what is measured begins when all look
            clients.stop.wait(0.1)
        try:
            yield psutil.Process(process.pid), clients.answers
        finally:
            clients.stop.set()
            process.kill()


class Validations(Watching):
    """Counts what the workers do."""

    count = ended_trials = 0

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Count a validation."""
        self.count += 1

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Count a trial."""
        self.ended_trials += 1


@dataclass
class Block:
    """Validations a second of the workers, and the processor seconds of the dashboard and of this process."""

    rate: float
    dashboard: float
    clients: float


def block(watch: Validations, server: psutil.Process, *, looking: bool) -> Block:
    """Measure for a while, with the dashboard or without."""
    family = [server, *server.children(recursive=True)]
    for each in family:
        (each.resume if looking else each.suspend)()
    began, before, spent = time.perf_counter(), watch.count, seconds_of(server.pid)
    own = time.process_time()
    time.sleep(BLOCK)
    seconds = time.perf_counter() - began
    return Block((watch.count - before) / seconds, seconds_of(server.pid) - spent, time.process_time() - own)


def report(pairs: list[tuple[Block, Block]], answers: Counter[str]) -> None:
    """Print the ratio of both rates with its interval, and what the dashboard took."""
    ratios = sorted(with_it.rate / without.rate for with_it, without in pairs)

    def whole(some: list[tuple[Block, Block]]) -> float:
        return sum(with_it.rate for with_it, _ in some) / sum(without.rate for _, without in some)

    chance = random.Random(1)  # noqa: S311 - no secret
    draws = sorted(whole(chance.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    low, high = draws[DRAWS // 20], draws[-DRAWS // 20]
    share = sum(with_it.dashboard for with_it, _ in pairs) / (BLOCK * len(pairs))
    own = sum(with_it.clients - without.clients for with_it, without in pairs) / (BLOCK * len(pairs))
    first, third = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    print(f"ratio of the rates {whole(pairs):.3f} ({low:.3f} .. {high:.3f}, 90% of redrawn pairs), bar 0.95")
    print(f"pairs: median {statistics.median(ratios):.3f}, quartiles {first:.3f} .. {third:.3f}")
    print(
        f"the dashboard took {share:.1%} of a core, its clients {own:.1%}; "
        f"load {os.getloadavg()[1]:.1f}; answers: {dict(answers)}"
    )


def measure(
    folder: Path, study: str, watch: Validations, stop: threading.Event, count: int
) -> tuple[list[tuple[Block, Block]], Counter[str]]:
    """Measure pairs of blocks, with the dashboard and without, and let the workers end."""
    pairs = []
    while watch.ended_trials < 2 * PROCESSES:  # what is measured begins when both train
        time.sleep(0.1)
    with looked_at(folder, study) as (server, answers):
        for number in range(count):
            order = (True, False) if number % 2 else (False, True)
            found = {looking: block(watch, server, looking=looking) for looking in order}
            pairs.append((found[True], found[False]))
            print(f"{found[True].rate:.1f} validations a second looked at, {found[False].rate:.1f} alone")
        server.resume()
    stop.set()
    return pairs, answers


def main() -> None:
    """Measure both in turns, and print the ratio."""
    silence()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    stop, watch = threading.Event(), Validations()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ThreadPoolExecutor() as threads:
        folder = Path(name)
        ledger = make(folder, HIDDEN, SLOTS)
        job = Job(f"sqlite:///{folder}/tuner.db", ledger.name, folder, grace=1.0)
        measuring = threads.submit(measure, folder, ledger.name, watch, stop, count)
        work_locally(job, ledger, watch, stop, workers=PROCESSES, gpus=None)
        report(*measuring.result())


if __name__ == "__main__":
    main()
