"""Two workers while ten people look at their study, against the same two workers alone: trials per minute.

    python -m tests.benchmarks.dashboard_polling [REPEATS]

`tuner dashboard` runs beside the workers, on the same cores. Five clients do what optuna-dashboard does: they
ask for the study every ten seconds, from the trial that they know on. Five do what our page does: they
listen to its events, and ask for the page again where it has changed, after a second and ten times as long as
the last answer took. Both are measured in turns; rounds differ by a third on a shared machine, so what counts
is the ratio of two that follow one another.
"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.throughput import PROCESSES, Stopwatch, make
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.processes.quiet import silence

HIDDEN, FITS = "[512, 512]", 40
CLIENTS, EVERY = 5, 10.0  # of each kind, and seconds between two requests of optuna-dashboard's page
REPEATS = 3


class Clients:
    """Ten people who look at the study with number 1."""

    def __init__(self, port: int, study: str) -> None:
        self.port, self.study = port, study
        self.answers: Counter[str] = Counter()
        self.stop = threading.Event()
        kinds = [self.poll] * CLIENTS + [self.listen] * CLIENTS
        self.threads = [threading.Thread(target=kind, daemon=True) for kind in kinds]

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
        threading.Thread(target=self.hear, args=(changed,), daemon=True).start()
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
def looked_at(folder: Path, study: str) -> Iterator[Counter[str]]:
    """Serve the dashboard of a folder's database to ten people."""
    code = "from tuner.commands.start import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "dashboard",
        "--port",
        "0",
        "--storage",
        f"sqlite:///{folder}/tuner.db",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = re.search(r":(\d+)/", process.stdout.readline())
        assert port is not None
        clients = Clients(int(port[1]), study)
        for thread in clients.threads:
            thread.start()
        while clients.answers.total() < 2 * CLIENTS:  # what is measured begins when all look
            clients.stop.wait(0.1)
        began, before = time.perf_counter(), seconds_of(process.pid)
        try:
            yield clients.answers
        finally:
            clients.stop.set()
            seconds = seconds_of(process.pid) - before
            print(f"the dashboard took {seconds:.1f} s of a processor in {time.perf_counter() - began:.0f} s")
            process.terminate()


def rate(*, looking: bool) -> tuple[float, Counter[str]]:
    """Let two workers train, and give how many trials they end in a minute."""
    answers: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder, watch = Path(name), Stopwatch()
        ledger = make(folder, HIDDEN, PROCESSES * (FITS + 1))
        job = Job(f"sqlite:///{folder}/tuner.db", ledger.name, folder, grace=1.0)
        if looking:
            with looked_at(folder, ledger.name) as answers:
                work_locally(job, ledger, watch, threading.Event(), workers=PROCESSES, gpus=None)
        else:
            work_locally(job, ledger, watch, threading.Event(), workers=PROCESSES, gpus=None)
    return watch.rate, answers


def main() -> None:
    """Measure both in turns, and print the ratio."""
    silence()
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    ratios, answers = [], Counter[str]()
    for repeat in range(repeats):
        rates = {}
        for looking in (False, True) if repeat % 2 else (True, False):
            rates[looking], told = rate(looking=looking)
            answers += told
        ratios.append(rates[True] / rates[False])
        print(f"{rates[False]:.1f} trials a minute alone, {rates[True]:.1f} looked at", flush=True)
    print(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} .. {max(ratios):.3f}), bar 0.95")
    print(f"answers: {dict(answers)}")


if __name__ == "__main__":
    main()
