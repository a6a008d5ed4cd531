"""What a search loses by several workers, who choose trials before the results of others are known.

    python -m tests.benchmarks.parallel_loss FILE [TRIALS [SEEDS [ours | TPE]]]

Functions of `search_functions` are searched as a study is: a quarter of the trials explores, here at
random points, then the joint model or TPE. So many workers train at a time, each trial for a time drawn
between half and one and a half. Every seed has the same functions, points and times for each number of
workers. What was measured is added to FILE, a JSON line a run, and a run that FILE holds is not
done again. A search by several workers is worth as many trials of a single worker as that needs
for the same mean log regret; the rest is lost, with a 90 % interval over seeds.
"""

import heapq
import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import Trial

from search_spaces.suggest import suggest
from studies.proposing.model import JointSampler
from studies.surrogate.domain import coordinate, domain_of
from tests.benchmarks.searching.functions import CLOSE, KINDS, optimum
from tests.studies.analysis.known_functions import Known

WORKERS = (1, 4, 8, 16, 32)
FUNCTIONS = ("valley", "deceptive", "nested", "branches", "sparse", "hartmann")
EXPLORATION = 0.25
DRAWS = 1000  # of seeds, for the interval
Record = dict[str, Any]


def score_of(known: Known, trial: Trial) -> float:
    """Choose the values of a trial, and give their score."""
    domain = domain_of(known.space)
    values = suggest(trial, known.space)
    place = np.full((1, len(domain.axes)), 0.5)
    for d, axis in enumerate(domain.axes):
        if axis.name in values:
            place[0, d] = coordinate(axis, values[axis.name])
    return float(known.function(place, domain.active(place))[0])


def search(kind: str, seed: int, workers: int, trials: int, sampler: str) -> Record:
    """Search a function by so many workers, and give the best value after each trial that has ended."""
    known, times = KINDS[kind](seed), np.random.default_rng([seed, 41]).uniform(0.5, 1.5, trials)
    explored, best, now = math.ceil(EXPLORATION * trials), [], 0.0
    exploring = RandomSampler(seed=seed)
    model = TPESampler(seed=seed) if sampler == "TPE" else JointSampler(known.space, seed=seed)
    study = optuna.create_study(sampler=model)
    running: list[tuple[float, int, Trial, float]] = []
    for number in range(trials):
        if len(running) == workers:
            now = end_next(study, running, best)
        study.sampler = exploring if number < explored else model
        trial = study.ask()
        heapq.heappush(running, (now + times[number], number, trial, score_of(known, trial)))
    while running:
        end_next(study, running, best)
    return {
        "kind": kind,
        "seed": seed,
        "workers": workers,
        "trials": trials,
        "sampler": sampler,
        "best": best,
    }


def end_next(study: optuna.Study, running: list[tuple[float, int, Trial, float]], best: list[float]) -> float:
    """Tell the trial that ends first, and give when that is."""
    now, _, trial, score = heapq.heappop(running)
    study.tell(trial, score)
    best.append(min(score, best[-1] if best else math.inf))
    return now


def regrets(records: list[Record], workers: int, seeds: list[int]) -> np.ndarray:
    """Give the log regret after each trial: seeds by functions by trials."""
    keys = {(record["kind"], record["seed"]) for record in records}
    ends = {(kind, seed): optimum(KINDS[kind](seed))[1:] for kind, seed in keys}
    for record in records:
        key = record["kind"], record["seed"]
        ends[key] = min(ends[key][0], record["best"][-1]), ends[key][1]
    found = {(each["seed"], each["kind"]): each["best"] for each in records if each["workers"] == workers}
    rows = []
    for seed in seeds:
        rows.append([])
        for kind in FUNCTIONS:
            least, middle = ends[kind, seed]
            share = (np.array(found[seed, kind]) - least) / max(middle - least, 1e-12)
            rows[-1].append(np.log(np.maximum(share, CLOSE)))
    return np.array(rows)


def worth(serial: np.ndarray, end: float) -> float:
    """Give after how many trials a falling curve reaches a value, as a share of all."""
    at = int(np.searchsorted(-serial, -end))
    if at == 0 or at >= len(serial):
        return min(at + 1, len(serial)) / len(serial)
    step = (serial[at - 1] - end) / max(serial[at - 1] - serial[at], 1e-12)
    return float((at + step) / len(serial))


def summary(records: list[Record], trials: int) -> None:
    """Print how much of its trials a search by each number of workers loses."""
    mine = [record for record in records if record["trials"] == trials]
    keys = {(record["kind"], record["seed"], record["workers"]) for record in mine}
    seeds = [
        s
        for s in sorted({key[1] for key in keys})
        if all((k, s, w) in keys for k in FUNCTIONS for w in WORKERS)
    ]
    by = {workers: regrets(mine, workers, seeds) for workers in WORKERS}
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(seeds), (DRAWS, len(seeds)))
    print(f"{len(seeds)} seeds, {len(FUNCTIONS)} functions, {trials} trials")
    for workers in WORKERS[1:]:
        lost = [
            1 - worth(by[1][own].mean(axis=(0, 1)), float(by[workers][own, :, -1].mean()))
            for own in (np.arange(len(seeds)), *drawn)
        ]
        low, high = np.quantile(lost[1:], (0.05, 0.95))
        print(f"{workers} workers lose {lost[0]:.0%} ({low:.0%} to {high:.0%})")


def main(arguments: list[str]) -> None:
    """Run what the file lacks, and print how much is lost."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    path = Path(arguments[0])
    trials = int(arguments[1]) if len(arguments) > 1 else 60
    seeds = int(arguments[2]) if len(arguments) > 2 else 20
    sampler = arguments[3] if len(arguments) > 3 else "ours"
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    records = [each for each in records if each.get("sampler", "TPE") == sampler]  # older ones are of TPE
    known = {(each["kind"], each["seed"], each["workers"], each["trials"]) for each in records}
    with path.open("a") as file:
        for seed in range(seeds):
            for kind in FUNCTIONS:
                for workers in WORKERS:
                    if (kind, seed, workers, trials) in known:
                        continue
                    records.append(search(kind, seed, workers, trials, sampler))
                    file.write(json.dumps(records[-1]) + "\n")
                    file.flush()
    summary(records, trials)


if __name__ == "__main__":
    main(sys.argv[1:])
