"""Shares near the best and what fixing loses, against brute force on functions drawn at random.

`python -m tests.benchmarks.near_best_acceptance KIND FIRST LAST` takes the seeds from FIRST to before LAST of
a kind of `drawn_functions`, with 160 trials and noise of 5 %; by default twenty smooth functions.
"""

import sys

import numpy as np
import optuna

from studies.analysis.findings.fixing import cost_of_fixing
from studies.analysis.findings.tied import near_the_best
from studies.analysis.observations.of_study import analyse
from studies.surrogate.domain import domain_of, value_at
from tests.studies.analysis.drawn_functions import KINDS
from tests.studies.analysis.drawn_studies import run
from tests.studies.analysis.findings.near_best_truth import loss_of_fixing, shares_of_best_tenth

TRIALS = 160
LEAST = 0.01  # share, or part of the range of scores, from which on intervals are counted
SLACK = 0.001  # of a share: how exact brute force is
HELD = 2  # parameters of each function that are fixed at a place drawn at random


def main(kind: str, first: int, last: int) -> None:
    """Print the mean errors, and how often intervals hold the truth."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    errors: dict[str, list[float]] = {"alone": [], "total": [], "loss": []}
    holds: dict[str, list[bool]] = {"alone": [], "total": [], "loss": []}
    silent = 0
    for seed in range(first, last):
        case, random = KINDS[kind](seed), np.random.default_rng(seed)
        study, domain = optuna.create_study(), domain_of(case.space)
        study.add_trials(run(case, TRIALS, seed))
        found = analyse(study, compare=False)
        near = near_the_best(found)
        if near is None:
            silent += 1
            continue
        told = () if near.unclear else (("alone", near.region.main), ("total", near.region.total))
        silent += not told
        for (name, said), truth in zip(told, shares_of_best_tenth(case) if told else (), strict=True):
            errors[name] += [abs(truth[axis] - said[axis].share) for axis in truth]
            holds[name] += [
                said[axis].low - SLACK <= truth[axis] <= said[axis].high + SLACK
                for axis in truth
                if truth[axis] > LEAST
            ]
        for d in random.permutation(len(domain.axes))[:HELD]:
            axis = domain.axes[d]
            place = float(random.choice(axis.nodes)) if axis.is_discrete else float(random.random())
            true, reach = loss_of_fixing(case, {axis.name: place})
            cost = cost_of_fixing(found, {axis.name: value_at(axis, place)})
            errors["loss"].append(abs(cost.loss - true) / reach)
            if true > LEAST * reach:
                holds["loss"].append(cost.low - 2 * SLACK * reach <= true <= cost.high + 2 * SLACK * reach)
    print(f"{kind}, seeds {first} to {last - 1}: nothing told of {silent}")
    for name, values in errors.items():
        if values:
            held = f"held {np.mean(holds[name]):.3f} of {len(holds[name])}"
            print(f"  {name}: mean error {np.mean(values):.3f}, {held}")


if __name__ == "__main__":
    asked, begin, end = sys.argv[1:] or ("smooth", "0", "20")
    main(asked, int(begin), int(end))
