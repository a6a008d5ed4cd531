"""Two workers against two bare training processes, on as many cores, in one run: fits per minute.

Bare: two processes that do nothing but make and fit the same configuration by hand, again and again. Ours:
the two workers of `tuner run --workers 2` on one SQLite database. Both are timed once everything is
imported, from the first fit to the end of the last, one torch thread each, in turns, the order changing.
"""

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.proposing.seeds import training_seed
from studies.trials.outcomes import Outcome
from tests.benchmarks.trial_overhead import fit_bare
from tests.tuner.workers.watching import Watching
from tuner.preparation.prepare import prepare
from tuner.workers.events import ShownTrial, unseen
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.processes.quiet import silence

PROCESSES, REPEATS = 2, 5
CASES = {"[512, 512]": 4, "[768, 768]": 3}  # hidden layers of the network: fits a process
STUDY = """
study: {{name: throughput, metric: val_loss, trials: {trials}, exploration: 1.0, threads: 1}}
trainer: {{max_epochs: 30}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: {hidden}}}}}
data: {{class_path: tuner.data.Digits}}
space: {{use: recipe.quick, fix: {{optimizer: adamw, norm: batch, norm.placement: pre, dropout: none}}}}
"""


class Stopwatch(Watching):
    """Takes the time in which trials end, behind a first one of each worker."""

    def __init__(self) -> None:
        self.ended_at: list[float] = []

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Note the time."""
        self.ended_at.append(time.perf_counter())

    @property
    def rate(self) -> float:
        """Trials a minute; the clock starts when a worker's first has ended, in the mean over the workers."""
        first, counted = self.ended_at[:PROCESSES], self.ended_at[PROCESSES:]
        return 60 * len(counted) / (counted[-1] - statistics.mean(first))


def make(folder: Path, hidden: str, trials: int) -> Ledger:
    """Put a study in a database of its own."""
    text = STUDY.format(hidden=hidden, trials=trials)
    definition = prepare(parse_study_file(text, source="throughput.yaml"))
    return create(open_database(f"sqlite:///{folder}/tuner.db"), definition, text)


def rate_of_workers(hidden: str, fits: int) -> float:
    """Let two workers train, and give how many trials they end in a minute."""
    with tempfile.TemporaryDirectory() as name:
        folder, watch = Path(name), Stopwatch()
        ledger = make(folder, hidden, PROCESSES * (fits + 1))
        job = Job(f"sqlite:///{folder}/tuner.db", ledger.name, folder, grace=1.0)
        work_locally(job, ledger, watch, threading.Event(), workers=PROCESSES, gpus=None)
    return watch.rate


def fit_again_and_again(start: Barrier, configuration: Mapping[str, Any], seed: int, fits: int) -> None:
    """Fit once to warm up, and then as often as is counted, from the moment that all are ready."""
    silence()
    torch.set_num_threads(1)
    fit_bare(configuration, seed)
    start.wait()
    for _ in range(fits):
        fit_bare(configuration, seed)


def rate_of_bare(configuration: Mapping[str, Any], seed: int, fits: int) -> float:
    """Let two processes fit, and give how many fits they end in a minute."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES + 1)
    processes = [
        context.Process(target=fit_again_and_again, args=(start, configuration, seed, fits))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    return 60 * PROCESSES * fits / (time.perf_counter() - began)


def compare(hidden: str, fits: int) -> None:
    """Measure both in turns, and print the rates and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        ledger = make(Path(name), hidden, 1)
        job = Job(f"sqlite:///{name}/tuner.db", ledger.name, Path(name), grace=1.0)
        work_locally(job, ledger, unseen, threading.Event(), workers=1, gpus=None)
        configuration, seed = ledger.trial(0).user_attrs["configuration"], training_seed(ledger.definition, 0)
    bare, ratios = [], []
    for repeat in range(REPEATS):
        rates = {}
        for kind in ("bare", "ours") if repeat % 2 else ("ours", "bare"):
            if kind == "ours":
                rates[kind] = rate_of_workers(hidden, fits)
            else:
                rates[kind] = rate_of_bare(configuration, seed, fits)
        bare.append(rates["bare"])
        ratios.append(rates["ours"] / rates["bare"])
    seconds = 60 * PROCESSES / statistics.median(bare)
    spread = f"{min(ratios):.3f} .. {max(ratios):.3f}"
    print(f"| {seconds:.1f} | {statistics.median(ratios):.3f} | {spread} | 0.95 |", flush=True)


def main() -> None:
    """Print a row for each length of a fit."""
    silence()
    print(f"| seconds of a fit | workers / bare, median of {REPEATS} | spread | bar |")
    print("| --- | --- | --- | --- |")
    for hidden, fits in CASES.items():
        compare(hidden, fits)


if __name__ == "__main__":
    main()
