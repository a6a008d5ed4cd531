"""Trials an hour of small networks, by how many workers share one GPU, and by workers on the CPU.

One thread a training. Each row is one study that goes on for ever; its trials are counted in three windows of
equal length, from the moment at which every worker has ended a trial.
"""

import os
import statistics
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

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

WINDOWS, SECONDS = 3, 3.0
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


class Counting(Watching):
    """Lets the study end when the windows are over, which begin when every worker has ended two trials."""

    def __init__(self, workers: int, stop: threading.Event) -> None:
        self.warm, self.stop, self.ends = 2 * workers, stop, 0

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Count, and begin the windows."""
        self.ends += 1
        if self.ends == self.warm:
            threading.Timer(WINDOWS * SECONDS + 1.0, self.stop.set).start()


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
        trials = [trial for trial in place.ledger(case).trials() if trial.datetime_complete is not None]
        outcomes = place.outcomes(case)
    ends = sorted(
        trial.datetime_complete.timestamp() for trial in trials if trial.datetime_complete is not None
    )
    begin = ends[min(watch.warm, len(ends)) - 1]
    rates = [
        sum(begin + number * SECONDS < at <= begin + (number + 1) * SECONDS for at in ends) * 3600 / SECONDS
        for number in range(WINDOWS)
    ]
    failed = sum(outcome == "failed" for outcome in outcomes)
    spread = f"{min(rates):.0f} to {max(rates):.0f}"
    return f"| {case} | {accelerator} | {workers} | {statistics.median(rates):.0f} | {spread} | {failed} failed |"


def main(accelerator: str) -> None:
    """Print a row for each."""
    silence()
    print("| network | trained on | workers | trials an hour, median of 3 windows | spread | |", flush=True)
    for kind, counts in ((accelerator, (1, 2, 4, 8)), ("cpu", (8, 1))):
        for case in CASES:
            for workers in counts:
                print(row(case, kind, workers), flush=True)


if __name__ == "__main__":
    main(os.environ.get("TUNER_ACCELERATOR", "gpu"))
