"""What repeats and races are worth under noise: the regret of the best configuration, at the same trainings.

A quadratic of four parameters plus Gaussian noise of a known size; a training is one draw. Four ways spend
as many trainings: each trial once, each trial once and the ten best confirmed on three fresh seeds, each
trial on three seeds, and on three seeds with a race. The regret is the noiseless value of the configuration
that is recommended.

    python -m tests.benchmarks.repeats_and_racing --studies 40
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import optuna

from search_spaces.space.nodes import Float, Group
from studies.database.open import Database, open_database
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trainings.later import complete
from studies.trials.outcomes import Outcome
from tests.studies.samples import sample_definition

PARAMETERS, CONFIRMED, SEEDS = 4, 10, 3
SPACE = Group({f"model.init_args.x{place}": Float(0.0, 1.0) for place in range(PARAMETERS)})
WAYS: Mapping[str, dict[str, Any]] = {
    "once": {},
    "once, ten confirmed": {},
    "three seeds": {"repeats": {"seeds": 3}, "racing": False},
    "three seeds, raced": {"repeats": {"seeds": 3}},
}


def truth(values: Mapping[str, Any], centre: Any) -> float:
    """Give the noiseless value; its least is 0."""
    return float(((np.array([*values.values()]) - centre) ** 2).sum())


def regret(database: Database, way: str, *, noise: float, trainings: int, seed: int) -> float:
    """Search with so many trainings, and give the regret of the best."""
    random = np.random.default_rng([seed, 1])
    centre = np.random.default_rng([seed, 2]).uniform(0.2, 0.8, PARAMETERS)
    definition = sample_definition(space=SPACE, trials=trainings, seed=seed, exploration=0.25, **WAYS[way])
    ledger, spent = create(database, definition, ""), 0
    confirmed = CONFIRMED * SEEDS if "confirmed" in way else 0
    while spent < trainings - confirmed and (running := ask(ledger, "benchmark")) is not None:
        while True:
            spent += 1
            score = truth(running.values, centre) + noise * float(random.normal())
            verdict = complete(running, score, {}).verdict if WAYS[way] else None
            if verdict or not WAYS[way] or running.trainings.next == running.trainings.repetition.count:
                break
        mean = fmean(running.trainings.scores) if WAYS[way] else score
        outcome, told = (Outcome.PRUNED, None) if verdict else (Outcome.COMPLETED, mean)
        tell(ledger, running, outcome, told, {})
    best = ledger.ranked()[: CONFIRMED if confirmed else 1]
    true = [truth(record.values, centre) for record in best]
    fresh = [value + noise * float(random.normal(size=SEEDS).mean()) for value in true]
    return true[int(np.argmin(fresh))]


def main() -> None:
    """Print the median and mean regret of each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--trainings", type=int, default=120)
    parser.add_argument("--noise", type=float, default=0.1)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder)}/tuner.db")
        for way in WAYS:
            found = [
                regret(database, way, noise=given.noise, trainings=given.trainings, seed=seed)
                for seed in range(given.studies)
            ]
            told = {"way": way, "median": round(median(found), 4), "mean": round(fmean(found), 4)}
            print(json.dumps(told), flush=True)
        database.engine.dispose()


if __name__ == "__main__":
    main()
