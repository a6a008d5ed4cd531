"""How often trials diverge late in a study whose space holds a region that does, by sampler.

A learning rate and a weight decay, each on a log scale; above a learning rate of 2e-2 the score is no number.
The best learning rate is a quarter of that, as in ordinary training, or, as the hard case, half of it. Every
score goes through the ledger; nothing is trained. The figure: in the first case at most 20 % of the last 50
of 100 trials diverge, for each sampler. Told as failed, nearly all of them do.
"""

import logging
import math
import sys
import tempfile
import uuid
import warnings
from itertools import product

from search_spaces.space.nodes import Float, Group
from studies.database.open import open_database
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.outcomes import Outcome, outcome_of
from tests.studies.samples import TPE, sample_definition

TRIALS, LATE, SEEDS = 100, 50, 4
EDGE = 2e-2  # a learning rate above it diverges
BEST = (EDGE / 4, EDGE / 2)  # learning rates
LR, DECAY = "model.init_args.lr", "model.init_args.weight_decay"
SPACE = Group({LR: Float(1e-5, 1.0, log=True), DECAY: Float(1e-6, 1e-1, log=True)})
SAMPLERS = {
    "ours": None,
    "TPE": TPE,
    "GP": {"class_path": "optuna.samplers.GPSampler", "init_args": {"n_startup_trials": 10}},
    "NSGA-II": {"class_path": "optuna.samplers.NSGAIISampler", "init_args": {"population_size": 20}},
    "random": {"class_path": "optuna.samplers.RandomSampler", "init_args": {}},
}


def score_at(lr: float, decay: float, best: float) -> float:
    """Give a loss that is least at the best learning rate, and no number beyond the edge."""
    if lr > EDGE:
        return math.nan
    return (math.log10(lr) - math.log10(best)) ** 2 + 0.1 * (math.log10(decay) + 3) ** 2


def run(folder: str, sampler: str, best_rate: float, seed: int) -> tuple[float, float]:
    """Answer a study; give the share of its late trials that diverged, and its best score."""
    definition = sample_definition(
        space=SPACE, sampler=SAMPLERS[sampler], trials=TRIALS, exploration=0.1, seed=seed
    )
    ledger = create(open_database(f"sqlite:///{folder}/{uuid.uuid4().hex}.db"), definition, "")
    while (running := ask(ledger, "benchmark")) is not None:
        score = score_at(float(running.values[LR]), float(running.values[DECAY]), best_rate)
        report(running, 1, score)
        outcome = Outcome.DIVERGED if math.isnan(score) else Outcome.COMPLETED
        tell(ledger, running, outcome, None if math.isnan(score) else score, {})
    late = [outcome_of(trial) for trial in ledger.trials()[-LATE:]]
    best = ledger.best()
    assert best is not None
    assert best.values[LR] <= EDGE
    return late.count(Outcome.DIVERGED) / LATE, float(best.score or math.nan)


def main() -> None:
    """Measure each sampler and print it."""
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    for best_rate, sampler in product(BEST, sys.argv[1:] or SAMPLERS):
        with tempfile.TemporaryDirectory() as folder:
            runs = [run(folder, sampler, best_rate, seed) for seed in range(SEEDS)]
        shares = [share for share, _ in runs]
        bests = sorted(best for _, best in runs)
        print(
            f"best lr {best_rate:g}, {sampler:8} diverging late: {sum(shares) / SEEDS:4.0%} "
            f"(seeds {', '.join(f'{share:.0%}' for share in shares)}); median best {bests[SEEDS // 2]:.3g}",
            flush=True,
        )


if __name__ == "__main__":
    main()
