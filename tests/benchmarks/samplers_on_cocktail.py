"""TPE against random search on the shipped `digits-cocktail`: the same slots and epochs, paired over seeds.

Neither prunes, and the first quarter of the slots is quasi-random for both, as in any study. Compared is
the winner of each study (by its last validation), trained again on fresh seeds: its cross-entropy on the test
part, which tuning never saw, beside the validation score that the study reported.

A folder keeps studies and results, so an interrupted run goes on where it was.

Usage: python tests/benchmarks/samplers_on_cocktail.py [--slots 100] [--seeds 10] [--folder FOLDER]
"""

import argparse
import json
import statistics
import tempfile
import threading
from pathlib import Path
from typing import Any

from scipy import stats

from studies.database.open import open_database
from studies.errors import UnknownStudy
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.shipped.catalogue import find_study_file
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import fit, test
from tuner.workers.events import unseen
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

SAMPLERS = ("optuna.samplers.RandomSampler", "optuna.samplers.TPESampler")
FRESH = range(1_000_000, 1_000_003)
LEVEL = 0.95  # of the interval


def finished_study(folder: Path, sampler: str, seed: int, slots: int) -> Ledger:
    """Run a study to its end, or what is left of it."""
    name = f"{sampler.rpartition('.')[2]}-{slots}-{seed}"
    changes = (f"study.name={name}", f"study.seed={seed}", f"study.trials={slots}")
    file = find_study_file(
        "digits-cocktail", (*changes, f"sampler={sampler}", "pruner=optuna.pruners.NopPruner")
    )
    assert file is not None
    database = open_database(f"sqlite:///{folder}/bench.db")
    try:
        ledger = open_ledger(database, name)
    except UnknownStudy:
        ledger = create(database, prepare(file), file.text)
    Worker(ledger, unseen, threading.Event(), folder / name).work()
    return ledger


def retrained(ledger: Ledger, folder: Path) -> dict[str, Any]:
    """Train the winner of a study on fresh seeds, and give its scores."""
    best = ledger.best()
    assert best is not None
    checkpoint = folder / "fresh.ckpt"
    losses = []
    for seed in FRESH:
        task = Assignment(
            best.configuration or {}, seed, Objective("val_loss", score="last"), keep=checkpoint, threads=1
        )
        result = fit(task, lambda *_: False)
        losses.append(
            test(task.configuration, checkpoint, seed)["test_loss"] if result.kept else float("inf")
        )
    return {"validation": best.score, "test": statistics.mean(losses), "params": best.values}


def compare(results: dict[str, dict[str, Any]], seeds: int, slots: int) -> None:
    """Print the mean of each sampler, and the interval of the paired difference."""
    columns = {
        sampler: [results[f"{sampler}-{slots}-{seed}"] for seed in range(seeds)] for sampler in SAMPLERS
    }
    print("| sampler | best validation | retrained, test |\n| --- | --- | --- |")
    for sampler, found in columns.items():
        means = [statistics.mean(result[key] for result in found) for key in ("validation", "test")]
        print(f"| {sampler.rpartition('.')[2]} | {means[0]:.4f} | {means[1]:.4f} |")
    for key in ("validation", "test"):
        gains = [one[key] - other[key] for one, other in zip(*columns.values(), strict=True)]
        interval = stats.ttest_1samp(gains, 0.0).confidence_interval(LEVEL)
        print(
            f"random minus TPE, {key}: {statistics.mean(gains):.4f}, {LEVEL:.0%} interval "
            f"{interval.low:.4f} .. {interval.high:.4f}, {seeds} seeds, {slots} slots",
            flush=True,
        )


def main() -> None:
    """Compare the samplers, and remember what has been computed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    silence()
    file = folder / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for seed in range(given.seeds):
        for sampler in SAMPLERS:
            key = f"{sampler}-{given.slots}-{seed}"
            if key not in results:
                results[key] = retrained(finished_study(folder, sampler, seed, given.slots), folder)
                file.write_text(json.dumps(results))
        if seed:
            compare(results, seed + 1, given.slots)


if __name__ == "__main__":
    main()
