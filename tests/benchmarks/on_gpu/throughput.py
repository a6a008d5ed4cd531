"""Trials an hour of small networks, by how many workers share one GPU, and by workers on the CPU.

One thread a training. Each row is one study that goes on for ever. The clock starts when its workers have
ended two trials each; the trials that end in the seconds thereafter are cut into three parts of as many.
"""

import os
import statistics
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from optuna.trial import TrialState

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.making import create
from studies.trials.outcomes import Outcome
from tests.benchmarks.on_gpu.place import MODULES, Place
from tests.tuner.workers.watching import Watching
from tuner.preparation.prepare import prepare
from tuner.workers.events import ShownTrial
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally
from tuner.workers.processes.quiet import silence

PARTS, SECONDS = 3, 13.0
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
STUDY = """
study: {{name: {name}, metric: val_loss, trials: 100000, exploration: 1.0, threads: 1, confirm: 0}}
sampler: {{class_path: optuna.samplers.RandomSampler}}
trainer: {{max_epochs: {epochs}, accelerator: {accelerator}}}
model: {{class_path: {model}}}
data: {{class_path: {data}}}
{space}
"""
CASES = {
    # name -> module, its data, epochs, space: a few seconds of training each
    "vectors": ("tuner.modules.MLPClassifier, init_args: {hidden: [128, 128]}", "tuner.data.Digits", 30,
                "space: {use: recipe.quick}"),
    "images": (f"{MODULES}.OwnConvolutions", f"{MODULES}.Images", 10,
               "space: {add: {model.init_args.lr: {low: 1e-3, high: 1e-2, log: true}}}"),
}  # fmt: skip


ROWS = [
    (case, kind, workers)
    for kind, counts in (("gpu", (1, 8)), ("cpu", (8,)), ("gpu", (2, 4)), ("cpu", (1,)))
    for case in CASES
    for workers in counts
]


class Counting(Watching):
    """Lets the study end some seconds after its workers have ended two trials each."""

    def __init__(self, workers: int, stop: threading.Event) -> None:
        self.warm, self.stop, self.ends = 2 * workers, stop, 0

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Count, and start the clock."""
        self.ends += 1
        if self.ends == self.warm:
            threading.Timer(SECONDS, self.stop.set).start()


def row(case: str, accelerator: str, workers: int) -> str:
    """Measure one, and give a row of a table."""
    model, data, epochs, space = CASES[case]
    with TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as name:
        place = Place(Path(name), accelerator)
        text = STUDY.format(
            name=case, epochs=epochs, accelerator=accelerator, model=model, data=data, space=space
        )
        definition = prepare(parse_study_file(text, source=case))
        create(open_database(f"sqlite:///{place.folder}/tuner.db"), definition, text)
        stop = threading.Event()
        watch, ledger = Counting(workers, stop), place.ledger(case)
        job = Job(f"sqlite:///{place.folder}/tuner.db", case, place.folder / "runs", grace=0.0)
        guard = threading.Timer(60, stop.set)
        guard.start()
        work_locally(job, ledger, watch, stop, workers=workers, gpus=None)
        guard.cancel()
        trials, outcomes = place.ledger(case).trials(), place.outcomes(case)
    ends = sorted(
        trial.datetime_complete.timestamp()
        for trial in trials
        if trial.datetime_complete is not None and trial.state in ENDED
    )
    counted = ends[watch.warm - 1 :]  # the first is when the time begins
    size = max(1, (len(counted) - 1) // PARTS)
    rates = [
        3600 * size / max(counted[(part + 1) * size] - counted[part * size], 0.001)
        for part in range(PARTS)
        if len(counted) > (part + 1) * size
    ] or [0.0]
    failed = sum(outcome == "failed" for outcome in outcomes)
    told = f"{statistics.median(rates):.0f} | {min(rates):.0f} to {max(rates):.0f}"
    return f"| {case} | {accelerator} | {workers} | {told} | {failed} failed |"


def main(accelerator: str) -> None:
    """Print a row for each."""
    silence()
    print("| network | trained on | workers | trials an hour, median of 3 parts | spread | |", flush=True)
    for case, kind, workers in ROWS:
        print(row(case, accelerator if kind == "gpu" else kind, workers), flush=True)


if __name__ == "__main__":
    main(os.environ.get("TUNER_ACCELERATOR", "gpu"))
