"""What a trial costs beyond the bare `Trainer.fit` of the same configuration.

Bare: the module, the data and the trainer are made by hand and fitted. Trial: a slot is claimed in a SQLite
database, values are suggested, LightningCLI makes the same objects, every validation is reported and asked
about, the outcome is told. Both train the same network for as many steps, in turns within one process. Each
repeat is one pair, and the two halves of a pair change places from one to the next, because the machine's
speed drifts by more than what is measured.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning
import torch

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.proposing.seeds import training_seed
from tests.tuner.workers.watching import Watching
from tuner.preparation.prepare import prepare
from tuner.training.configuration.class_paths import import_class
from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

CASES = {
    # name -> (study keys, repeats, bar in words)
    "digits, 30 epochs": ({"hidden": "[128, 128]", "epochs": 30}, 16, "bare + 0.25 s"),
    "a fit of 10 s": ({"hidden": "[1024, 1024]", "epochs": 40}, 8, "1.05 x bare"),
}
STUDY = """
study: {{name: overhead, metric: val_loss, trials: {trials}, exploration: 1.0, threads: 1}}
trainer: {{max_epochs: {epochs}}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: {hidden}}}}}
data: {{class_path: tuner.data.Digits}}
space: {{use: recipe.quick, fix: {{optimizer: adamw, norm: batch, norm.placement: pre, dropout: none}}}}
"""


class OneTrial(Watching):
    """Stops a worker behind its first trial."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def ended(self, *_: object) -> None:
        """Ask for the stop."""
        self.stop.set()


def make(config: Mapping[str, Any]) -> Any:
    """Make an object from its class path and arguments."""
    return import_class(config["class_path"], "bench")(**config.get("init_args", {}))


def fit_bare(configuration: Mapping[str, Any], seed: int) -> float:
    """Fit without any of us and give the seconds it took."""
    began = time.perf_counter()
    pytorch_lightning.seed_everything(seed, workers=True, verbose=False)
    module, data = make(configuration["model"]), make(configuration["data"])
    optimizer = configuration["optimizer"]
    cls = import_class(optimizer["class_path"], "bench")
    module.configure_optimizers = lambda: cls(module.parameters(), **optimizer["init_args"])
    trainer = configuration["trainer"]
    callbacks = [make(callback) for callback in trainer["callbacks"]]
    pytorch_lightning.Trainer(**{**TRAINER_DEFAULTS, **trainer, "callbacks": callbacks}).fit(
        module, datamodule=data
    )
    return time.perf_counter() - began


def make_ledger(folder: Path, keys: Mapping[str, Any], trials: int) -> Ledger:
    """Put a study in a fresh database."""
    text = STUDY.format(trials=trials, **keys)
    definition = prepare(parse_study_file(text, source="overhead.yaml"))
    return create(open_database(f"sqlite:///{folder}/bench.db"), definition, text)


def measure(keys: Mapping[str, Any], repeats: int) -> tuple[list[float], list[float]]:
    """Give the seconds of each bare fit and of each trial, in pairs."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = make_ledger(Path(folder), keys, repeats + 1)

        def run_trial() -> float:
            view = OneTrial()
            began = time.perf_counter()
            Worker(ledger, view, view.stop, Path(folder)).work()
            return time.perf_counter() - began

        run_trial()  # the first of each warms up
        configuration = ledger.trial(0).user_attrs["configuration"]

        def run_bare() -> float:
            return fit_bare(configuration, training_seed(ledger.definition, 0))

        run_bare()
        bare, trials = [], []
        for repeat in range(repeats):
            halves = [(bare, run_bare), (trials, run_trial)]
            for seconds, run in halves if repeat % 2 else reversed(halves):
                seconds.append(run())
    return bare, trials


def main() -> None:
    """Print the cost of a trial beside the bare fit, for each case."""
    silence()
    torch.set_num_threads(1)
    print(
        "| case | bare, s | trial, s | difference, s | ratio | bar |\n| --- | --- | --- | --- | --- | --- |"
    )
    for name, (keys, repeats, bar) in CASES.items():
        bare, trials = measure(keys, repeats)
        difference = statistics.median(t - b for t, b in zip(trials, bare, strict=True))
        ratio = statistics.median(t / b for t, b in zip(trials, bare, strict=True))
        both = f"{statistics.median(bare):.2f} | {statistics.median(trials):.2f}"
        row = f"{name} (median of {repeats}) | {both} | {difference:.2f} | {ratio:.3f} | {bar}"
        print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
