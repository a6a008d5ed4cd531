"""How many of the best five whole trainings of a search pausing would never have taken up again.

    python -m tests.benchmarks.search_replay FILE [--tables ...] [--seeds 8] [--trials 60]

TPE searches each table with whole trainings, whose curves are kept in FILE, a JSON line a run; what FILE
holds is not done again. Then each way of pausing is run on the same trials in the same order, their curves
read instead of trained, until every trial has begun and none is due to go on.
"""

import argparse
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from scipy.stats import binomtest

from search_spaces.space.nodes import Group
from search_spaces.suggest import suggest
from studies.proposing.pausing import PausingRule
from studies.proposing.proposer import History, Origin, Proposal
from studies.trials.outcomes import Outcome
from studies.trials.record import furthest_attempts
from tests.benchmarks.searching.simulation import Simulation
from tests.benchmarks.searching.training import EPOCHS, TABLES, Training, space, table

BEST = 5
RULES = {
    "3, 6, 12; half": PausingRule((3, 6, 12), 0.5),
    "6, 12; half": PausingRule((6, 12), 0.5),
    "12; half": PausingRule((12,), 0.5),
    "2, 6; a third": PausingRule((2, 6), 1 / 3),
}
Run = dict[str, Any]


def whole(name: str, seed: int, trials: int) -> Run:
    """Search a table with whole trainings, and keep their curves."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    curves = []
    for _ in range(trials):
        trial = study.ask()
        training = Training(table(name), dict(suggest(trial, space())), seed * 1000 + trial.number)
        curves.append([training.epoch() for _ in range(EPOCHS)])
        if math.isfinite(curves[-1][-1]):
            study.tell(trial, curves[-1][-1])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return {"table": name, "seed": seed, "curves": curves}


@dataclass
class Read:
    """A training that was done before."""

    curve: Iterator[float]

    def epoch(self) -> float:
        """Give the next of its losses."""
        return next(self.curve)


class InOrder:
    """Proposes nothing: the trials are there."""

    def propose(self, history: History, slots: Sequence[Any]) -> list[Proposal]:
        """Give no values."""
        return [Proposal({}, Origin.SAMPLER) for _ in slots]


def lost(curves: Sequence[Sequence[float]], rule: PausingRule) -> tuple[int, float]:
    """Give how many of the best trials never end, and the share of all epochs that are trained."""
    study = Simulation(
        Group({}),
        lambda _, number: Read(iter(curves[number])),
        EPOCHS,
        InOrder(),
        rule,
        explores=lambda _: False,
    )
    while study.begun < len(curves) or rule.take_up(study.history()) is not None:
        study.run(study.spent + 1)
    ends = [curve[-1] if math.isfinite(curve[-1]) else math.inf for curve in curves]
    best = set(np.argsort(ends, kind="stable")[:BEST].tolist())
    ended = {one.slot for one in furthest_attempts(study.records) if one.outcome is Outcome.COMPLETED}
    return len(best - ended), study.spent / (EPOCHS * len(curves))


def main() -> None:
    """Run what the file lacks, and print a row for each way of pausing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--trials", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    lines = given.file.read_text().splitlines() if given.file.exists() else []
    runs: list[Run] = [json.loads(line) for line in lines]
    known = {(run["table"], run["seed"]) for run in runs}
    with given.file.open("a") as file:
        for seed in range(given.seeds):
            for name in given.tables:
                if (name, seed) not in known:
                    runs.append(whole(name, seed, given.trials))
                    file.write(json.dumps(runs[-1]) + "\n")
                    file.flush()
    print(f"| rungs; share | of the best {BEST} never ended | 95 % interval | epochs trained |")
    print("| --- | --- | --- | --- |")
    for name, rule in RULES.items():
        found = [lost(run["curves"], rule) for run in runs]
        missed, of = sum(one for one, _ in found), BEST * len(runs)
        low, high = binomtest(missed, of).proportion_ci()
        trained = np.mean([share for _, share in found])
        print(f"| {name} | {missed / of:.0%} of {of} | {low:.0%} to {high:.0%} | {trained:.0%} |")


if __name__ == "__main__":
    main()
