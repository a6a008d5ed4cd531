"""Trials an hour of small networks, by how many workers share one GPU, and by workers on the CPU.

One thread a training. Each row is one study that goes on for ever; its trials are counted in three windows of
equal length, from the moment at which every worker has ended a trial.
"""

import os
import statistics
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from studies.trials.outcomes import Outcome
from tests.benchmarks.on_gpu.place import MODULES, Place
from tests.tuner.workers.watching import Watching
from tuner.workers.events import ShownTrial
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.local import work_locally

WINDOWS, SECONDS = 3, 4.0
STUDY = """
study: {{name: {name}, metric: val_loss, trials: 100000, exploration: 1.0, threads: 1, confirm: 0,
         sampler: {{class_path: optuna.samplers.RandomSampler}}}}
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
    """Notes when trials end, and asks for the end when the windows are over."""

    def __init__(self, workers: int, stop: threading.Event) -> None:
        self.workers, self.stop = workers, stop
        self.ended_at: list[float] = []

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Note the time."""
        self.ended_at.append(time.monotonic())
        if len(self.ended_at) > 2 * self.workers and self.windows()[-1] is not None:
            self.stop.set()

    def windows(self) -> list[float | None]:
        """Give the trials an hour in each window; None where it is not over."""
        begin, found = self.ended_at[2 * self.workers - 1], []
        for number in range(WINDOWS):
            low, high = begin + number * SECONDS, begin + (number + 1) * SECONDS
            count = sum(low < at <= high for at in self.ended_at)
            found.append(count * 3600 / SECONDS if self.ended_at[-1] > high else None)
        return found


def row(case: str, accelerator: str, workers: int) -> str:
    """Measure one, and give a row of a table."""
    model, data, epochs, space = CASES[case]
    with TemporaryDirectory(dir="/tmp") as name:
        place = Place(Path(name), accelerator)
        text = STUDY.format(name=case, epochs=epochs, accelerator=accelerator, model=f"{model}", data=data, space=space)
        place.well("create", place.study(case, text), "--no-rehearsal")
        stop = threading.Event()
        watch = Counting(workers, stop)
        ledger = place.ledger(case)
        job = Job(f"sqlite:///{place.folder}/tuner.db", case, place.folder / "runs", grace=0.0)
        guard = threading.Timer(60, stop.set)
        guard.start()
        work_locally(job, ledger, watch, stop, workers=workers, gpus=None)
        guard.cancel()
        outcomes = place.outcomes(case)
        rates = [rate for rate in watch.windows() if rate is not None]
    failed = sum(outcome == "failed" for outcome in outcomes)
    middle = statistics.median(rates) if rates else 0.0
    spread = f"{min(rates):.0f} to {max(rates):.0f}" if rates else "none"
    return f"| {case} | {accelerator} | {workers} | {middle:.0f} | {spread} | {failed} failed |"


def main(accelerator: str) -> None:
    """Print a row for each."""
    print("| network | trained on | workers | trials an hour, median of 3 windows | spread | |", flush=True)
    for case in CASES:
        for kind, counts in ((accelerator, (1, 2, 4, 8)), ("cpu", (1, 8))):
            for workers in counts:
                print(row(case, kind, workers), flush=True)


if __name__ == "__main__":
    main(os.environ.get("TUNER_ACCELERATOR", "gpu"))
