"""SIGTERM twenty times, in every phase of a worker's life: each slot goes on from its checkpoint.

A real `tuner worker` trains real networks. It is sent SIGTERM in the middle of a training epoch, in a
validation, while a checkpoint is written, while an outcome is told, and while it waits for slots that others
hold; each time another worker takes its place. Then the same study runs undisturbed. Asserted: the budget is
spent, each preempted trial's successor carries its curve on, no epoch that a checkpoint holds was trained
twice, and every score is the undisturbed one's to the last bit.
"""

import json
import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.benchmarks.phased_module import EPOCHS, PLAN, TRAINED, Phased
from tests.benchmarks.real_workers import make, scores, start
from tests.contracts.faults import check_exact
from tuner.workers.events import unseen
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

PHASES = ("training", "validation", "checkpoint", "tell", "idle")
ROUNDS, SLOTS = 4, 24
STUDY = f"""
study: {{name: preempted, metric: val_loss, trials: {SLOTS}, exploration: 1.0, score: last, threads: 1}}
trainer: {{max_epochs: {EPOCHS}}}
model: {{class_path: {Phased.__module__}.{Phased.__qualname__}}}
data: {{class_path: tuner.data.Digits}}
space: {{add: {{model.init_args.lr: {{low: 1e-3, high: 1e-1, log: true}}}}}}
"""
# The worker's own process sends itself the signal as it tells an outcome, or waits. Every epoch leaves a
# checkpoint, and not one in half a minute, so that there is one to be interrupted.
SCRIPT = """
import functools, os, sys
import tuner.workers.desk, tuner.workers.telling, tuner.workers.worker
tuner.workers.desk.Assignment = functools.partial(tuner.workers.desk.Assignment, every=0.0)
from tests.benchmarks.phased_module import reached
tell = tuner.workers.telling.tell_ended
def telling(*arguments):
    reached("tell", os.getpid())
    return tell(*arguments)
tuner.workers.telling.tell_ended = telling
tuner.workers.worker.Waiting = lambda: reached("idle", os.getpid())
from tuner.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def preempt(ledger: Ledger, folder: Path, phase: str) -> float:
    """Let a worker be sent SIGTERM in a phase, and give the seconds that it took to leave."""
    held = [] if phase != "idle" else [ledger.slots.claim("another") for _ in range(SLOTS)]
    with start(folder, ledger.name, "--grace", "10") as worker:
        (folder / PLAN).write_text(json.dumps({"phase": phase, "worker": worker.pid, "skip": 3}))
        while (folder / PLAN).exists():
            assert worker.poll() is None, f"the worker left before {phase}"
            time.sleep(0.005)
        began = time.perf_counter()
        code = worker.wait()
        seconds = time.perf_counter() - began
    assert code == 130, code
    for slot in filter(None, held):
        ledger.slots.free(slot, fresh=False)
    assert ledger.slots.budget().claimed == 0
    return seconds


def trained_twice(folder: Path) -> int:
    """Count the epochs of a slot that were trained to their end more than once."""
    ends = Counter((folder / TRAINED).read_text().splitlines())
    return sum(count - 1 for count in ends.values())


def check_curves(ledger: Ledger) -> int:
    """Assert that each attempt's curve begins as its predecessor's, and count the preempted ones."""
    trials = {trial.number: trial for trial in ledger.trials()}
    preempted = [trial for trial in trials.values() if outcome_of(trial) is Outcome.PREEMPTED]
    for trial in trials.values():
        if "earlier" in trial.user_attrs:
            before = trials[trial.user_attrs["earlier"]].intermediate_values
            assert before.items() <= trial.intermediate_values.items()
    return len(preempted)


def main() -> None:
    """Preempt, then compare with the undisturbed study, and print what came of it."""
    silence()
    with tempfile.TemporaryDirectory() as name:
        disturbed, calm = Path(name) / "disturbed", Path(name) / "calm"
        ledger = make(disturbed, STUDY, SCRIPT)
        seconds = [preempt(ledger, disturbed, phase) for _ in range(ROUNDS) for phase in PHASES]
        os.chdir(disturbed)
        Worker(ledger, unseen, threading.Event(), disturbed / "runs" / ledger.name).work()
        other = make(calm, STUDY, SCRIPT)
        os.chdir(calm)
        Worker(other, unseen, threading.Event(), calm / "runs" / other.name).work()
        ledger = open_ledger(ledger.database, ledger.name)
        check_exact(ledger, SLOTS)
        preempted, twice = check_curves(ledger), trained_twice(disturbed)
        assert twice == 0
        assert scores(ledger) == scores(other)
        print(
            f"{len(seconds)} SIGTERM ({', '.join(PHASES)}): {SLOTS} of {SLOTS} finished, {preempted} "
            f"attempts preempted, {twice} epochs trained twice, scores equal bit by bit; left within "
            f"{max(seconds):.1f} s, median {sorted(seconds)[len(seconds) // 2]:.1f} s"
        )


if __name__ == "__main__":
    main()
