"""How well samplers search functions of conditional spaces, in full trials: regret by trial, paired by seed.

    python -m tests.benchmarks.search_functions FILE [--kinds ...] [--samplers ...] [--seeds 8] [--limited]

Each function is drawn by its kind and its seed, and searched by each sampler in plain Optuna for `TRIALS`
trials; the kinds of Ax need its files, see `searching.networks_of_ax`. What was measured is added to FILE, a
JSON line a run, and a run that FILE holds is not done again: so the script can be stopped at any time, and
goes on where it was. At the end the table of all that FILE holds is printed: normalised log regret, 1 for
random search after all trials and 0 for `CLOSE` of the range between the best value and the median. With
`--limited` a third of each space keeps a limit, and only what keeps it counts; it needs a FILE of its own.
"""

import argparse
import json
import math
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler

from search_spaces.suggest import suggest
from studies.proposing.model import JointSampler
from studies.surrogate.domain import coordinate, domain_of
from tests.benchmarks.searching.functions import CLOSE, KINDS, OF_AX, limit_of, optimum
from tests.benchmarks.searching.with_priors import with_priors
from tests.studies.analysis.known_functions import Known

TRIALS = 60
Record = dict[str, Any]


def _ours(known: Known, seed: int) -> BaseSampler:
    return JointSampler(known.space, seed=seed)


def _expecting(off: float) -> Callable[[Known, int], BaseSampler]:
    """Give the joint model with priors and defaults, `off` from the optimum as a part of each range."""

    def make(known: Known, seed: int) -> BaseSampler:
        return JointSampler(with_priors(known.space, optimum(known)[0], off), seed=seed)

    return make


SAMPLERS: dict[str, Callable[[Known, int], BaseSampler]] = {
    "random": lambda _, seed: RandomSampler(seed=seed),
    "Sobol": lambda _, seed: QMCSampler(seed=seed),
    "TPE": lambda _, seed: TPESampler(seed=seed),
    "TPE group": lambda _, seed: TPESampler(seed=seed, multivariate=True, group=True),
    "GP": lambda _, seed: GPSampler(seed=seed),
    "ours": _ours,
    "ours, priors": _expecting(0.0),
    "ours, all priors wrong": _expecting(0.5),  # two decades of four
}
CONDITIONAL = ("valley", "deceptive", "nested", "branches", *OF_AX)


def search(kind: str, seed: int, name: str, *, limited: bool = False) -> Record:
    """Search a function, and give the best value after each trial, and the seconds that asking took."""
    known = KINDS[kind](seed)
    beyond = limit_of(known, seed) if limited else None
    domain = domain_of(known.space)
    study = optuna.create_study(sampler=SAMPLERS[name](known, seed))
    best, seconds, kept = [], 0.0, 0
    for _ in range(TRIALS):
        began = time.perf_counter()
        trial = study.ask()
        values = suggest(trial, known.space)
        seconds += time.perf_counter() - began
        place = np.full((1, len(domain.axes)), 0.5)
        for d, axis in enumerate(domain.axes):
            if axis.name in values:
                place[0, d] = coordinate(axis, values[axis.name])
        score, keeps = float(known.function(place, domain.active(place))[0]), True
        if beyond is not None:
            trial.set_constraint("cost", violation := float(beyond(place, domain.active(place))[0]))
            keeps = violation <= 0
        study.tell(trial, score)
        best.append(min(score if keeps else math.inf, best[-1] if best else math.inf))
        kept += keeps
    return {"kind": kind, "seed": seed, "sampler": name, "best": best, "seconds": seconds, "kept": kept}


def summary(records: list[Record], *, limited: bool = False) -> Iterator[str]:
    """Write a row for each kind: normalised log regret at half of the trials and at all."""
    keys = {(record["kind"], record["seed"]) for record in records}
    functions = {key: KINDS[key[0]](key[1]) for key in keys}
    ends = {
        key: optimum(known, limit_of(known, key[1]) if limited else None)[1:]
        for key, known in functions.items()
    }
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


def main() -> None:
    """Run what the file lacks, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--kinds", nargs="*", default=[kind for kind in KINDS if kind not in OF_AX])
    parser.add_argument("--samplers", nargs="*", default=list(SAMPLERS))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--limited", action="store_true")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    lines = given.file.read_text().splitlines() if given.file.exists() else []
    records = [json.loads(line) for line in lines]
    known = {(record["kind"], record["seed"], record["sampler"]) for record in records}
    with given.file.open("a") as file:
        for seed in range(given.first, given.first + given.seeds):
            for kind in given.kinds:
                for name in given.samplers:
                    if (kind, seed, name) in known or (name == "GP" and kind in CONDITIONAL):
                        continue
                    records.append(search(kind, seed, name, limited=given.limited))
                    file.write(json.dumps(records[-1]) + "\n")
                    file.flush()
    print("\n".join(summary(records, limited=given.limited)))


if __name__ == "__main__":
    main()
