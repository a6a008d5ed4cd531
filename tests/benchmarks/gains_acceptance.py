"""What tuning gained, over all and by parameter, against brute force on functions drawn at random.

`python -m tests.benchmarks.gains_acceptance FIRST LAST [KIND ...]` takes the seeds from FIRST to before LAST
of each kind of `drawn_studies`, with 160 trials, of which the first has the defaults, and noise of 5 %.
"""

import sys

import numpy as np
import optuna

from search_spaces.space.parameters import default_values
from studies.analysis.findings.gains.worth import worth_of
from studies.analysis.observations.of_study import analyse
from studies.surrogate.domain import as_option
from tests.studies.analysis.drawn_functions import KINDS
from tests.studies.analysis.drawn_studies import run
from tests.studies.analysis.findings.gains_truth import scores_at, true_gains
from tests.studies.analysis.known_functions import Known

TRIALS = 160
NOISE = 0.05  # of the function's deviation
LEAST = 0.02  # part of the gain from which on an interval of a parameter is counted
SLACK = 0.001  # of the gain


def main(first: int, last: int, kinds: list[str]) -> None:
    """Print for each kind the mean errors as parts of the gain, and how often intervals hold the truth."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for kind in kinds:
        errors: dict[str, list[float]] = {"whole": [], "parts": [], "alone": []}
        holds: dict[str, list[bool]] = {"whole": [], "parts": [], "alone": []}
        silent = 0
        for seed in range(first, last):
            case = KINDS[kind](seed)
            study = optuna.create_study()
            study.add_trials(trials_of(case, seed))
            found = analyse(study, compare=False)
            best = {name: as_option(value) for name, value in study.best_trial.params.items()}
            said, truth = worth_of(found, best), true_gains(case, best)
            if said is None:
                silent += 1
                continue
            unit = abs(truth.whole)
            told = [("whole", truth.whole, said.gain)]
            told += [("parts", truth.parts[part.name], part.gain) for part in said.parts]
            told += [("alone", truth.alone[part.name], part.alone) for part in said.parts]
            for name, true, gained in told:
                errors[name].append(abs(gained.value - true) / unit)
                if name == "whole" or abs(true) > LEAST * unit:
                    holds[name].append(gained.low - SLACK * unit <= true <= gained.high + SLACK * unit)
        print(f"{kind}: nothing told of {silent}", flush=True)
        for name, values in errors.items():
            if values:
                held = f"held {np.mean(holds[name]):.2f} of {len(holds[name])}"
                median = f"median {np.median(values):.3f}"
                print(f"  {name}: mean error {np.mean(values):.3f}, {median}, {held}", flush=True)


def trials_of(case: Known, seed: int, count: int = TRIALS) -> list[optuna.trial.FrozenTrial]:
    """Run quasi-random trials, and before them one with the defaults."""
    drawn = run(case, count, seed)
    deviation = float(np.std([trial.value for trial in drawn]))
    defaults = default_values(case.space)
    score = float(scores_at(case, [defaults])[0])
    score += NOISE * deviation * np.random.default_rng([seed, 9]).standard_normal()
    known = {name: each for trial in drawn for name, each in trial.distributions.items()}
    first = optuna.trial.create_trial(
        params=defaults,
        distributions={name: known[name] for name in defaults},
        value=score,
        user_attrs={"exploration": True},
    )
    return [first, *drawn]


if __name__ == "__main__":
    begin, end, *asked = sys.argv[1:] or ("0", "10")
    main(int(begin), int(end), asked or list(KINDS))
