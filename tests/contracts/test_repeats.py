"""The contract of trials that are trained several times: each training once, the slot once, whoever dies."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev

import pytest

from studies.database.open import Database
from studies.ledger.budgets import Budget
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.proposing.optuna_pruner import NO_PRUNING
from studies.proposing.seeds import training_seed
from studies.trials.outcomes import Outcome
from tests.studies.samples import sample_definition
from tuner.training.assignment import Assignment
from tuner.training.ends import End, Ending, Fit
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.trainer import Line
from tuner.workers.events import unseen
from tuner.workers.worker import Worker

EPOCHS, TRIALS, SEEDS = 9, 5, 3  # of the sample


def score_of(seed: int, step: int) -> float:
    """Give a score by the seed."""
    return seed % 1000 / 1000 + 1 / step


@dataclass
class SeededTrainer:
    """Scores by the seed, and by the width with a `scale`; ends where it is told to, as if asked to leave."""

    scale: float = 0.0
    leaves: Callable[[int, int], bool] = lambda seed, step: False
    trained: Counter[int] = field(default_factory=Counter)

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Fit one."""
        (assignment,) = assignments
        line.sized(0, EpochSize(1, 1, validates=True, accumulated=1, devices=1))
        scores = []
        for step in range(1, EPOCHS + 1):
            if line.stop.is_set() or self.leaves(assignment.seed, step):
                line.stop.set()
                return [Fit(Ending.INTERRUPTED, tuple(scores), None)]
            width = assignment.configuration["model"]["init_args"]["width"]
            scores.append(score_of(assignment.seed, step) + self.scale * width)
            line.scored(0, step, scores[-1])
        self.trained[assignment.seed] += 1
        steps = tuple(range(1, EPOCHS + 1))
        return [
            Fit(Ending.COMPLETED, tuple(scores), scores[-1], steps=steps, metrics={"seed": assignment.seed})
        ]


def study(database: Database, **settings: object) -> Ledger:
    """Make a study whose trials are trained three times."""
    wanted = {"repeats": {"seeds": SEEDS}, "keep_metrics": ["seed"], "exploration": 0.0, **settings}
    return create(
        database,
        sample_definition(trials=TRIALS, pruner={"class_path": NO_PRUNING, "init_args": {}}, **wanted),
        "",
    )


def work(ledger: Ledger, folder: Path, trainer: SeededTrainer) -> None:
    """Let one worker do all that it may."""
    Worker(ledger, unseen, threading.Event(), folder, trainer=trainer).work()


def seeds_of(ledger: Ledger, slot: int) -> list[int]:
    """Name the seeds that the trial of a slot has."""
    return [training_seed(ledger.definition, slot, repeat) for repeat in range(SEEDS)]


def test_a_score_is_the_mean_over_seeds_of_which_no_two_are_alike(database: Database, tmp_path: Path) -> None:
    """Scores, spread, kept metrics, curve and epochs are those of the trainings one by one."""
    ledger, trainer = study(database, racing=False), SeededTrainer()
    work(ledger, tmp_path, trainer)
    wanted = {seed for slot in range(TRIALS) for seed in seeds_of(ledger, slot)}
    assert trainer.trained == dict.fromkeys(wanted, 1)
    assert len(wanted) == TRIALS * SEEDS
    for record in ledger.records():
        seeds = seeds_of(ledger, record.slot or 0)
        scores = [score_of(seed, EPOCHS) for seed in seeds]
        assert record.repeats == tuple(scores)
        assert record.score == fmean(scores)
        assert record.spread == stdev(scores)
        assert record.metrics == {"seed": fmean(seeds)}
        assert record.curve == {step: score_of(seeds[0], step) for step in range(1, EPOCHS + 1)}
    assert status_of(ledger).epochs == TRIALS * SEEDS * EPOCHS
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=TRIALS)


@pytest.mark.parametrize("repeat", range(SEEDS))
@pytest.mark.parametrize("step", [1, 5])
def test_no_training_that_was_completed_is_trained_again(
    database: Database, tmp_path: Path, repeat: int, step: int
) -> None:
    """A worker that leaves in one training has the next one go on with it, and the trial ends as it would."""
    ledger = study(database, racing=False)
    seeds = seeds_of(ledger, 0)
    first, second = (
        SeededTrainer(leaves=lambda seed, at: seed == seeds[repeat] and at == step),
        SeededTrainer(),
    )
    work(ledger, tmp_path, first)
    assert first.trained == dict.fromkeys(seeds[:repeat], 1)
    work(ledger, tmp_path, second)
    left, again = ledger.records()[:2]
    assert (left.outcome, again.outcome, again.slot) == (Outcome.PREEMPTED, Outcome.COMPLETED, 0)
    assert not set(first.trained) & set(second.trained)
    scores = [score_of(seed, EPOCHS) for seed in seeds]
    assert (again.repeats, again.score) == (tuple(scores), fmean(scores))
    assert again.curve == {step: score_of(seeds[0], step) for step in range(1, EPOCHS + 1)}
    # Nothing of the training that was left is there, so its epochs are paid twice, and no other's.
    assert status_of(ledger).epochs == TRIALS * SEEDS * EPOCHS + step - 1


def test_one_that_is_surely_not_the_best_is_trained_once(database: Database, tmp_path: Path) -> None:
    """It is pruned with its curve, the reason and what it scored; the best is never among them."""
    ledger, trainer = study(database), SeededTrainer(scale=1.0)
    work(ledger, tmp_path, trainer)
    raced = [record for record in ledger.records() if record.outcome is Outcome.PRUNED]
    best = ledger.best()
    assert best is not None
    assert raced
    assert sum(trainer.trained.values()) < TRIALS * SEEDS
    for record in raced:
        assert len(record.repeats) < SEEDS
        assert "trainings it is behind trial" in (record.cause or "")
        assert fmean(record.repeats) > (best.score or 0.0)
        assert len(record.curve) == EPOCHS
    assert status_of(ledger).epochs == sum(trainer.trained.values()) * EPOCHS
