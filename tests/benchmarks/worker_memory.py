"""The resident memory of one worker over 200 trials: flat after the tenth, because each trains in a child.

The trials are of the shipped digits module, of one epoch each, and none is pruned. What is read is the
worker's own memory and its fork server's, after each trial.
"""

import multiprocessing.forkserver
import tempfile
import threading
from pathlib import Path

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.making import create
from studies.trials.outcomes import Outcome
from tests.tuner.workers.watching import Watching
from tuner.preparation.prepare import prepare
from tuner.workers.events import ShownTrial
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

TRIALS, SETTLED = 200, 10
STUDY = f"""
study: {{name: memory, metric: val_loss, trials: {TRIALS}, threads: 1}}
trainer: {{max_epochs: 1}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: [64]}}}}
data: {{class_path: tuner.data.Digits}}
space: {{use: recipe.quick}}
"""


def resident(process: int | str) -> float:
    """Give the resident memory of a process in MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (held,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(held.split()[1]) / 1024


class Watch(Watching):
    """Reads the memory after each trial."""

    def __init__(self) -> None:
        self.worker: list[float] = []
        self.server: list[float] = []

    def ended(self, running: ShownTrial, outcome: Outcome, score: float | None) -> None:
        """Read it."""
        self.worker.append(resident("self"))
        # No public way leads to the server's process.
        server = multiprocessing.forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
        self.server.append(resident(server))


def main() -> None:
    """Work through the trials and print the memory after some of them."""
    silence()
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        definition = prepare(parse_study_file(STUDY, source="memory.yaml"))
        ledger = create(open_database(f"sqlite:///{folder}/tuner.db"), definition, STUDY)
        Worker(ledger, watch, threading.Event(), Path(folder)).work()
    print("| after trial | worker, MiB | fork server, MiB |\n| --- | --- | --- |")
    for count in (1, SETTLED, 50, 100, 150, TRIALS):
        print(f"| {count} | {watch.worker[count - 1]:.1f} | {watch.server[count - 1]:.1f} |")
    for name, held in (("worker", watch.worker), ("fork server", watch.server)):
        most = max(held[SETTLED - 1 :]) / held[SETTLED - 1] - 1
        print(f"{name}: at most {most:+.1%} after trial {SETTLED}, {len(held)} trials")


if __name__ == "__main__":
    main()
