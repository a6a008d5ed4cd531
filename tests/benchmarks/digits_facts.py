"""What is known of regularization on the digits, measured again, each fact beside what is expected.

The expected figures come from a first measurement with a network of the same kind; read the direction and the
size, not the last digit. `--seeds` scales the effort; facts that the analysis finds run the shipped studies.

Usage: python tests/benchmarks/digits_facts.py [--seeds 3] [--only FACT]...
"""

import argparse
import math
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studies.analysis.observations.of_study import analyse
from studies.database.open import open_database
from studies.ledger.making import create
from studies.shipped.catalogue import find_study_file
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import fit
from tuner.workers.events import unseen
from tuner.workers.processes.quiet import silence
from tuner.workers.worker import Worker

SCHEDULE = "tuner.callbacks.LearningRateSchedule"


def score(
    model: Mapping[str, Any],
    optimizer: str,
    seed: int,
    metric: str = "val_loss",
    schedule: str = "cosine",
    **given: Any,
) -> float:
    """Train two layers of 64 for 20 epochs and give the last metric; a fit that diverged is infinite."""
    configuration = {
        "trainer": {
            "max_epochs": 20,
            "callbacks": [{"class_path": SCHEDULE, "init_args": {"schedule": schedule}}],
        },
        "model": {
            "class_path": "tuner.modules.MLPClassifier",
            "init_args": {"hidden": [64, 64], **model},
        },
        "data": {"class_path": "tuner.data.Digits"},
        "optimizer": {"class_path": f"torch.optim.{optimizer}", "init_args": given},
    }
    result = fit(
        Assignment(configuration, seed, Objective(metric, score="last"), threads=1), lambda *_: False
    )
    return math.inf if result.score is None else result.score


def best_rate(rates: Iterable[float], loss: Callable[[float], float]) -> float:
    """Find the lowest loss among rates a constant factor apart, by a parabola in the logarithm around it."""
    logs = np.log10(list(rates))
    losses = np.array([loss(10.0**value) for value in logs])
    lowest = int(np.argmin(losses))
    if not 0 < lowest < len(logs) - 1 or not np.isfinite(losses[lowest - 1 : lowest + 2]).all():
        return float(10 ** logs[lowest])
    left, middle, right = losses[lowest - 1 : lowest + 2]
    shift = (left - right) / (left - 2 * middle + right) / 2
    return float(10 ** (logs[lowest] + shift * (logs[1] - logs[0])))


def mean(values: Iterable[float]) -> float:
    """Give the mean."""
    return statistics.mean(values)


def dropout_placement(seeds: int) -> None:
    """Validation error of dropout 0.5 at each place beside batch norm."""
    expected = {"before_norm": 0.040, "each": 0.050, "after_last_norm": 0.016, "none": 0.019}
    for place, figure in expected.items():
        dropout = {} if place == "none" else {"dropout": 0.5, "dropout_placement": place}
        model = {"norm": "batch", **dropout}
        errors = [score(model, "AdamW", seed, "val_error", lr=3e-3) for seed in range(2 * seeds)]
        row(f"dropout 0.5, {place}", f"error {figure:.3f}", f"{mean(errors):.3f}", 2 * seeds)


def momentum_slope(seeds: int) -> None:
    """Slope of the best constant lr of SGD along 1 - momentum, both on log scales.

    Without momentum the best rate lies at the edge of divergence, which does not move with momentum, so the
    slope is told with that end and without it.
    """
    complements = (1.0, 0.3, 0.1, 0.03)
    best = [
        best_rate(
            np.logspace(-2.2, 0.3, 9) * complement**0.8,
            lambda lr, m=1 - complement: mean(
                score({}, "SGD", seed, schedule="constant", lr=lr, momentum=m) for seed in range(seeds)
            ),
        )
        for complement in complements
    ]
    for first in (0, 1):
        slope = float(np.polyfit(np.log10(complements[first:]), np.log10(best[first:]), 1)[0])
        fact = f"best lr along 1 - momentum from {complements[-1]} to {complements[first]:g}"
        row(fact, "slope 1.18 (theory 1)", f"{slope:.2f}", seeds)


def shift_under_dropout(seeds: int) -> None:
    """Best lr of SGD and Adam without dropout and with 0.6."""
    grids = {
        "SGD": (np.logspace(-1.5, 0.5, 5), "1 -> 0.32"),
        "Adam": (np.logspace(-3.5, -1.5, 5), ".0032 -> .01"),
    }
    for optimizer, (rates, figure) in grids.items():
        best = [
            best_rate(
                rates,
                lambda lr, d=dropout, o=optimizer: mean(
                    score({"dropout": d, "dropout_placement": "each"}, o, seed, lr=lr)
                    for seed in range(seeds)
                ),
            )
            for dropout in (0.0, 0.6)
        ]
        row(f"{optimizer}: best lr, dropout 0 -> 0.6", figure, f"{best[0]:.3g} -> {best[1]:.3g}", seeds)


def decay_gain(seeds: int) -> None:
    """How much the best coupled decay lowers the cross-entropy of SGD at lr 0.1, without and with a norm."""
    for norm, figure in (("none", "gain .25"), ("batch", "gain .10")):
        losses = [
            mean(
                score({"norm": norm}, "SGD", seed, lr=0.1, momentum=0.9, weight_decay=decay)
                for seed in range(seeds)
            )
            for decay in (0.0, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2)
        ]
        row(f"best decay, norm {norm}", figure, f"{losses[0] - min(losses):.3f}", seeds)


def shares(study: str, *overrides: str) -> dict[tuple[str, ...], float]:
    """Run a shipped study and give the share of each parameter and pair that its analysis finds."""
    file = find_study_file(study, overrides)
    assert file is not None
    with tempfile.TemporaryDirectory() as folder:
        ledger = create(open_database(f"sqlite:///{folder}/bench.db"), prepare(file), file.text)
        Worker(ledger, unseen, threading.Event(), Path(folder)).work()
        importance = analyse(ledger.study, compare=False).importance
    return {
        tuple(sorted(effect.names)): math.nan if effect.share is None else effect.share
        for effect in (*importance.main, *importance.pairs)
    }


def momentum_pair(seeds: int) -> None:
    """Share of the pair lr x (1 - momentum), and of lr / (1 - momentum) x (1 - momentum)."""
    raw = shares("digits-momentum")
    row("pair lr x (1 - momentum)", "share .37 (>= .25)", f"{raw['lr', 'one_minus_momentum']:.2f}", 1)
    effective = shares("digits-momentum-effective")
    found = effective["lr_effective", "one_minus_momentum"]
    row("the pair after searching lr / (1 - momentum)", "share < .05", f"{found:.3f}", 1)


def init_and_norm(seeds: int) -> None:
    """Shares of initial gain, lr and their pair in a deep network, without and with batch norm."""
    for norm, figure in (("none", ".23 / .32 / .44"), ("batch", ".05 / .88 / .07")):
        found = shares("digits-init", f"space.fix.norm={norm}", "study.trials=64")
        measured = " / ".join(f"{found[key]:.2f}" for key in (("init.gain",), ("lr",), ("init.gain", "lr")))
        row(f"gain / lr / pair, norm {norm}", figure, measured, 1)


FACTS = {
    fact.__name__: fact
    for fact in (
        dropout_placement, momentum_slope, shift_under_dropout, decay_gain, momentum_pair, init_and_norm,
    )
}  # fmt: skip


def row(fact: str, expected: str, measured: str, seeds: int) -> None:
    """Print a row of the table."""
    print(f"| {fact} | {expected} | {measured} | {seeds} |", flush=True)


def main() -> None:
    """Print every fact, or those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=FACTS, default=list(FACTS))
    given = parser.parse_args()
    silence()
    print("| fact | expected | measured | seeds |\n| --- | --- | --- | --- |")
    for name in given.only:
        FACTS[name](given.seeds)


if __name__ == "__main__":
    main()
