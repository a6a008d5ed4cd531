"""Real workers that train, and every five seconds one of them, or one of their trainings, is killed (-9).

Three `tuner worker` share a SQLite database for two minutes and more; a killed worker is started again. In
the end the study runs on until its budget is spent. Asserted from the database alone: every slot finished
once, nothing running, every attempt traced, and every score the one that an undisturbed run of the study
comes to, to the last bit, though attempts were taken up from checkpoints half-way. Before each kill and in
the end the weights of the best told trial are in the workers' folder, in the end no others.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.benchmarks.real_workers import make, scores, start
from tests.contracts.faults import check_exact
from tuner.workers.events import unseen
from tuner.workers.processes.quiet import silence
from tuner.workers.weights import Weights
from tuner.workers.worker import Worker

WORKERS, SLOTS, KILLS, EVERY = 3, 40, 24, 5.0  # seconds between two kills
STUDY = f"""
study: {{name: soak, metric: val_loss, trials: {SLOTS}, exploration: 1.0, score: last, threads: 1}}
trainer: {{max_epochs: 60}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: [256, 256]}}}}
data: {{class_path: tuner.data.Digits}}
space: {{use: recipe.quick}}
"""
# The trials are short: so a checkpoint each second, and not each minute, and a lease of ten seconds.
SCRIPT = """
import functools, sys
import studies.ledger.slots, tuner.workers.desk, tuner.workers.worker
tuner.workers.desk.Assignment = functools.partial(tuner.workers.desk.Assignment, every=1.0)
tuner.workers.worker.RENEWAL = 2.0
studies.ledger.slots.Slots.__init__.__kwdefaults__["lease"] = 10.0
from tuner.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def trainings(worker: int) -> Iterator[int]:
    """Find the training processes of a worker: its fork server's children that lead a session each."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
    servers = [process for process, parent in parents.items() if parent == worker]
    for process, parent in parents.items():
        with suppress(OSError):
            if parent in servers and os.getsid(process) == process:
                yield process


def has_weights(ledger: Ledger, weights: Weights) -> bool:
    """Say whether the best told trial has its weights; true where another became the best just now."""
    best = ledger.best()
    return best is None or weights.of(best) is not None or best != ledger.best()


def main() -> None:
    """Kill for two minutes, end the study, compare it with an undisturbed one, and print what came of it."""
    silence()
    draw, killed = np.random.default_rng(0), {"worker": 0, "training": 0}
    with tempfile.TemporaryDirectory() as name:
        disturbed, calm = Path(name) / "disturbed", Path(name) / "calm"
        ledger, began = make(disturbed, STUDY, SCRIPT), time.perf_counter()
        workers = [start(disturbed, ledger.name, "--quiet") for _ in range(WORKERS)]
        weights = Weights(ledger, disturbed / "runs" / ledger.name)
        for turn in range(KILLS):
            time.sleep(EVERY)
            assert has_weights(ledger, weights)
            victim = int(draw.integers(WORKERS))
            found = [process for worker in workers for process in trainings(worker.pid)]
            # A worker needs seconds to begin, so most of the time it is a training's turn.
            if turn % 4 and found:
                with suppress(ProcessLookupError):  # it has ended just now
                    os.kill(int(draw.choice(found)), signal.SIGKILL)
                    killed["training"] += 1
            else:
                workers[victim].kill()
                workers[victim].wait()
                killed["worker"] += 1
                workers[victim] = start(disturbed, ledger.name, "--quiet")
        for worker in workers:
            worker.wait()
        seconds = time.perf_counter() - began
        check_exact(ledger, SLOTS)
        best = ledger.best()
        assert best is not None
        assert [path.name for path in weights.folder.glob("trial-*")] == [f"trial-{best.number}.ckpt"]
        assert has_weights(ledger, weights)
        attempts = [trial for trial in ledger.trials() if outcome_of(trial) is Outcome.LOST]
        resumed = sum(
            bool(trial.intermediate_values) and "earlier" in trial.user_attrs for trial in ledger.trials()
        )
        other = make(calm, STUDY, SCRIPT)
        Worker(other, unseen, threading.Event(), calm / "runs").work()
        differing = [slot for slot, score in scores(other).items() if scores(ledger).get(slot) != score]
        print(
            f"{WORKERS} workers, {killed['worker']} of them and {killed['training']} trainings killed: "
            f"{SLOTS} of {SLOTS} finished, 0 twice, 0 running, {len(attempts)} attempts lost, "
            f"{resumed} taken up again, {len(differing)} scores other than undisturbed, {seconds:.0f} s"
        )
        assert not differing, differing


if __name__ == "__main__":
    main()
