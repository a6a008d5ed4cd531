"""Whether what the shipped `digits` study finds is better than the defaults, on seeds that the study has never used.

The study is run as it is shipped. Then its best configuration and the defaults are trained again on ten fresh seeds each, in pairs,
and compared by their cross-entropy on the test part, which tuning never saw.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch
from scipy import stats

from search_spaces.configuration import configure
from search_spaces.parameters import default_values
from studies.catalogue import find_study_file
from studies.ledger import Ledger, create
from studies.storage import open_database
from tuner.preparation import prepare
from tuner.progress import QuietView
from tuner.quiet import hush
from tuner.training.fit import fit, test
from tuner.training.task import Task
from tuner.worker import Worker

SEEDS = range(1_000_000, 1_000_010)
LEVEL = 0.95  # of the interval


def run_study(folder: Path) -> Ledger:
    """Run the shipped study in a fresh database."""
    file = find_study_file("digits")
    assert file is not None
    ledger = create(open_database(f"sqlite:///{folder}/bench.db"), prepare(file), file.text)
    Worker(ledger, QuietView(), threading.Event(), folder).work()
    return ledger


def loss_on_test(configuration: dict[str, Any], seed: int, folder: Path) -> float:
    """Train on one seed and give the test cross-entropy of the weights that validated best."""
    task = Task(configuration, seed, "val_loss", keep=folder / "fresh.ckpt")
    fit(task, lambda *_: False)
    return test(configuration, folder / "fresh.ckpt")["test_loss"]


def main() -> None:
    """Print both test losses and the interval of their paired difference."""
    hush()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        ledger = run_study(folder)
        print(f"digits: {ledger.slots.budget().total} slots in {time.perf_counter() - began:.1f} s on one thread", flush=True)
        best = ledger.best()
        assert best is not None
        space, fixed = ledger.definition.space, ledger.definition.fixed
        configurations = {"best": best.user_attrs["configuration"], "defaults": configure(fixed, space, default_values(space))}
        losses = {key: [loss_on_test(config, seed, folder) for seed in SEEDS] for key, config in configurations.items()}
    gains = [default - tuned for default, tuned in zip(losses["defaults"], losses["best"], strict=True)]
    interval = stats.ttest_1samp(gains, 0.0).confidence_interval(LEVEL)
    print(f"best is trial {best.number}: {best.params}")
    print("| test cross-entropy | mean | sd |\n| --- | --- | --- |")
    for key, values in losses.items():
        print(f"| {key} | {statistics.mean(values):.4f} | {statistics.stdev(values):.4f} |")
    print(f"gain {statistics.mean(gains):.4f}, {LEVEL:.0%} interval {interval.low:.4f} .. {interval.high:.4f}, {len(gains)} seeds")


if __name__ == "__main__":
    main()
