"""Whether the best of the shipped `digits` study beats the defaults on seeds that it has never used.

The study is run as it is shipped, with the confirmation of its best trials. Then the configuration that it
recommends and the defaults are trained again on ten fresh seeds each, in pairs, and compared by their
cross-entropy on the test part, which tuning never saw.

Usage: python tests/benchmarks/best_against_defaults.py [SEED OF THE STUDY]...
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from scipy import stats

from search_spaces.configuration import configure
from search_spaces.space.parameters import default_values
from studies.database.open import open_database
from studies.ledger.making import create
from studies.running.confirmation import Recommendation, chosen, confirm
from studies.shipped.catalogue import find_study_file
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import fit, test
from tuner.workers.events import unseen
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

SEEDS = range(1_000_000, 1_000_010)
LEVEL = 0.95  # of the interval


def run_study(folder: Path, seed: int) -> Recommendation:
    """Run the shipped study in a fresh database, and give what it recommends."""
    file = find_study_file("digits", (f"study.seed={seed}",))
    assert file is not None
    ledger = create(open_database(f"sqlite:///{folder}/bench.db"), prepare(file), file.text)
    Worker(ledger, unseen, threading.Event(), folder).work()
    settings = ledger.definition.settings
    repeating = confirm(ledger, top=settings.confirm, seeds=settings.confirm_seeds)
    Worker(repeating, unseen, threading.Event(), folder / repeating.name).work()
    choice = chosen(ledger)
    assert choice is not None
    assert choice.candidate is not None
    return choice


def loss_on_test(configuration: dict[str, Any], seed: int, folder: Path) -> float:
    """Train on one seed and give the test cross-entropy of the weights that count, as in the study."""
    task = Assignment(
        configuration, seed, Objective("val_loss", score="last"), keep=folder / "fresh.ckpt", threads=1
    )
    fit(task, lambda *_: False)
    return test(configuration, folder / "fresh.ckpt", seed)["test_loss"]


def compare(seed: int) -> None:
    """Print both test losses and the interval of their paired difference, for one seed of the study."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        choice = run_study(folder, seed)
        best, definition = choice.original, choice.ledger.definition
        print(f"study seed {seed}: run and confirmed in {time.perf_counter() - began:.1f} s")
        space, fixed = definition.space, definition.fixed
        defaults = configure(fixed, space, default_values(space))
        configurations = {"best": best.configuration or {}, "defaults": defaults}
        losses = {key: [loss_on_test(c, s, folder) for s in SEEDS] for key, c in configurations.items()}
    gains = [default - tuned for default, tuned in zip(losses["defaults"], losses["best"], strict=True)]
    interval = stats.ttest_1samp(gains, 0.0).confidence_interval(LEVEL)
    print(f"best is trial {best.number}: {best.values}")
    print("| test cross-entropy | mean | sd |\n| --- | --- | --- |")
    for key, values in losses.items():
        print(f"| {key} | {statistics.mean(values):.4f} | {statistics.stdev(values):.4f} |")
    bounds = f"{interval.low:.4f} .. {interval.high:.4f}"
    print(f"gain {statistics.mean(gains):.4f}, {LEVEL:.0%} interval {bounds}, {len(gains)} seeds", flush=True)


def main() -> None:
    """Compare for each seed given, or for the shipped one."""
    silence()
    for seed in [int(argument) for argument in sys.argv[1:]] or [0]:
        compare(seed)


if __name__ == "__main__":
    main()
