"""How well samplers search functions of conditional spaces, in full trials: regret by trial, paired by seed.

    python -m tests.benchmarks.search_functions FILE [FIRST [LAST [sampler ...]]]

Each function is drawn by its kind and its seed, FIRST to LAST, and searched by each sampler in plain Optuna
for `TRIALS` trials. What was measured is added to FILE, a JSON line a run, and a run that FILE holds is not
done again: so the script can be stopped at any time, and goes on where it was. At the end the table of all
that FILE holds is printed: normalised log regret, 1 for random search after all trials and 0 for `CLOSE` of
the range between the best value and the median.
"""

import json
import math
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler

from search_spaces.space.nodes import Choice, Float, Group
from search_spaces.suggest import suggest
from studies.proposing.model import JointSampler
from studies.surrogate.domain import coordinate, domain_of
from studies.surrogate.integration import quasi_random
from tests.studies.analysis import drawn_functions as drawn
from tests.studies.analysis.known_functions import Known, flat

TRIALS = 60
CLOSE = 1e-3
Record = dict[str, Any]


def valley(seed: int) -> Known:
    """Draw five branches with a valley of their own in two parameters each, along two that all share."""
    random = np.random.default_rng([seed, 31])
    branches = {f"b{i}": Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}) for i in range(5)}
    space = Group({"lr": Float(0.0, 1.0), "wd": Float(0.0, 1.0), "kind": Choice(branches)})
    names = domain_of(space).names
    offsets, places = random.permutation(np.linspace(0, 0.4, 5)), random.random((5, 4))
    shared = random.random(2)
    shift = random.uniform(-0.15, 0.15, 5)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        lr, wd, kind = (u[:, names.index(name)] for name in ("lr", "wd", "kind"))
        total = 2 * (wd - shared[1]) ** 2
        for i in range(5):
            x, y = (u[:, names.index(f"kind.b{i}.{name}")] for name in ("x", "y"))
            along = (x + y - places[i, 0] - places[i, 1]) ** 2 * 4 + 0.5 * (x - places[i, 0]) ** 2
            rate = 6 * (lr - shared[0] - shift[i]) ** 2
            total = total + np.where(kind == i, offsets[i] + along + rate, 0.0)
        return total

    return Known("valley", space, function)


def deceptive(seed: int) -> Known:
    """Draw two branches: one good everywhere, and one worse on the whole and best in a corner."""
    random = np.random.default_rng([seed, 32])
    space = Group(
        {
            "kind": Choice(
                {
                    "easy": Group({"x": Float(0.0, 1.0)}),
                    "hard": Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0), "z": Float(0.0, 1.0)}),
                }
            )
        }
    )
    names = domain_of(space).names
    at = random.uniform(0.15, 0.85, 4)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        easy = 0.3 + 0.3 * (u[:, names.index("kind.easy.x")] - at[3]) ** 2
        places = [u[:, names.index(f"kind.hard.{name}")] for name in "xyz"]
        inside = sum(((place - at[i]) / 0.3) ** 2 for i, place in enumerate(places))
        hard = 0.8 * (1 - np.exp(-0.5 * inside))
        return np.where(u[:, names.index("kind")] == 0, easy, hard)

    return Known("deceptive", space, function)


def hartmann(seed: int) -> Known:
    """Give Hartmann's function of six parameters, shifted by the seed; no branches."""
    scale = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    place = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    weight, order = np.array([1.0, 1.2, 3.0, 3.2]), np.random.default_rng([seed, 33]).permutation(6)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        x = u[:, order]
        hills = zip(weight, scale, place, strict=True)
        return -sum(w * np.exp(-(s * (x - p) ** 2).sum(axis=1)) for w, s, p in hills)

    return Known("hartmann", flat(6), function)


KINDS: dict[str, Callable[[int], Known]] = {
    "valley": valley,
    "deceptive": deceptive,
    "nested": drawn.nested,
    "branches": drawn.branches,
    "sparse": drawn.sparse,
    "narrow": drawn.narrow,
    "smooth": drawn.smooth,
    "hartmann": hartmann,
}


def _ours(known: Known, seed: int) -> BaseSampler:
    return JointSampler(known.space, seed=seed)


SAMPLERS: dict[str, Callable[[Known, int], BaseSampler]] = {
    "random": lambda _, seed: RandomSampler(seed=seed),
    "Sobol": lambda _, seed: QMCSampler(seed=seed),
    "TPE": lambda _, seed: TPESampler(seed=seed),
    "TPE group": lambda _, seed: TPESampler(seed=seed, multivariate=True, group=True),
    "GP": lambda _, seed: GPSampler(seed=seed),
    "ours": _ours,
}
CONDITIONAL = ("valley", "deceptive", "nested", "branches")


def search(kind: str, seed: int, name: str) -> Record:
    """Search a function, and give the best value after each trial, and the seconds that asking took."""
    known = KINDS[kind](seed)
    domain = domain_of(known.space)
    study = optuna.create_study(sampler=SAMPLERS[name](known, seed))
    best, seconds = [], 0.0
    for _ in range(TRIALS):
        began = time.perf_counter()
        trial = study.ask()
        values = suggest(trial, known.space)
        seconds += time.perf_counter() - began
        place = np.full((1, len(domain.axes)), 0.5)
        for d, axis in enumerate(domain.axes):
            if axis.name in values:
                place[0, d] = coordinate(axis, values[axis.name])
        score = float(known.function(place, domain.active(place))[0])
        study.tell(trial, score)
        best.append(min(score, best[-1] if best else math.inf))
    return {"kind": kind, "seed": seed, "sampler": name, "best": best, "seconds": seconds}


def ends_of(kind: str, seed: int) -> tuple[float, float]:
    """Give the best value of a function, as far as a long search finds it, and its median."""
    known = KINDS[kind](seed)
    domain = domain_of(known.space)
    places = quasi_random(domain, 2**15, 5)
    values = known.function(places, domain.active(places))
    middle, random = float(np.median(values)), np.random.default_rng(1)
    for step in (0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001):
        top = places[np.argsort(values)[:64]]
        around = np.repeat(top, 64, axis=0)
        for d, axis in enumerate(domain.axes):
            if axis.ordered:
                jump = step * random.standard_normal(len(around)) * (random.random(len(around)) < 0.6)
                around[:, d] = np.clip(around[:, d] + jump, 0, 1)
        places = np.vstack([top, around])
        values = known.function(places, domain.active(places))
    return float(values.min()), middle


def summary(records: list[Record]) -> Iterator[str]:
    """Write a row for each kind: normalised log regret at half of the trials and at all."""
    ends = {key: ends_of(*key) for key in {(record["kind"], record["seed"]) for record in records}}
    for record in records:  # a sampler may have found better than the long search
        key = record["kind"], record["seed"]
        ends[key] = min(ends[key][0], record["best"][-1]), ends[key][1]

    def regret(record: Record, at: int) -> float:
        best, middle = ends[record["kind"], record["seed"]]
        return math.log(max((record["best"][at - 1] - best) / max(middle - best, 1e-12), CLOSE))

    names = [name for name in SAMPLERS if any(record["sampler"] == name for record in records)]
    yield f"| kind, seeds, trials | {' | '.join(names)} |"
    yield "|" + " --- |" * (len(names) + 1)
    for kind in KINDS:
        for at in (TRIALS // 2, TRIALS):
            mine = [record for record in records if record["kind"] == kind]
            by: dict[str, dict[int, float]] = defaultdict(dict)
            for record in mine:
                by[record["sampler"]][record["seed"]] = regret(record, at)
            if not by.get("random"):
                continue
            floor = math.log(CLOSE)
            base = np.mean([regret(record, TRIALS) for record in mine if record["sampler"] == "random"])
            mean = {name: np.mean(list(found.values())) for name, found in by.items()}
            cells = [
                f"{(mean[name] - floor) / (base - floor):.2f}" if name in mean else "-" for name in names
            ]
            yield f"| {kind}, {len(by['random'])}, {at} | {' | '.join(cells)} |"
    asking = {name: [record["seconds"] for record in records if record["sampler"] == name] for name in names}
    yield f"| seconds of asking | {' | '.join(f'{np.mean(asking[name]):.1f}' for name in names)} |"


def main(arguments: list[str]) -> None:
    """Run what the file lacks, and print the table."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    path = Path(arguments[0])
    first = int(arguments[1]) if len(arguments) > 1 else 0
    last = int(arguments[2]) if len(arguments) > 2 else first
    names = arguments[3:] or list(SAMPLERS)
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(record["kind"], record["seed"], record["sampler"]) for record in records}
    with path.open("a") as file:
        for seed in range(first, last + 1):
            for kind in KINDS:
                for name in names:
                    if (kind, seed, name) in known or (name == "GP" and kind in CONDITIONAL):
                        continue
                    records.append(search(kind, seed, name))
                    file.write(json.dumps(records[-1]) + "\n")
                    file.flush()
    print("\n".join(summary(records)))


if __name__ == "__main__":
    main(sys.argv[1:])
