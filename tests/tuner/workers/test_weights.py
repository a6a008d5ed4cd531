"""The weights of the best trial survive whatever happens to the workers, and no others are kept."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create, delete
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome, outcome_of
from studies.trials.record import TrialRecord
from tests.tuner.training.probes import IN_MEMORY
from tuner.training.assignment import Assignment
from tuner.training.ends import End, Ending, Fit
from tuner.training.trainer import Line
from tuner.workers import telling, worker
from tuner.workers.events import unseen
from tuner.workers.weights import Weights
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY

STUDY = """
study: {{name: kept, metric: val_loss, trials: {trials}, seed: 3, exploration: 1.0}}
trainer: {{max_epochs: 1}}
model: {{class_path: tests.tuner.small_modules.Small}}
space: {{add: {{model.init_args.width: {{low: 1, high: 8, type: int, default: 4}}}}}}
"""


class Killed(BaseException):
    """A worker is killed at this point."""


def make_ledger(folder: Path, trials: int) -> Ledger:
    """Put a study in a fresh database."""
    text = STUDY.format(trials=trials)
    definition = define(parse_study_file(text, source="kept"), lambda *_: None)
    return create(open_database(f"sqlite:///{folder}/tuner.db"), definition, text)


class Trainings:
    """Trainings of milliseconds: they write weights as a training does, and score what a seed decides.

    Few scores are possible, so that many are equal, and a worker is killed now and then, before or behind
    whatever it does.
    """

    def __init__(self, seed: int, share: float = 0.0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.share = share

    def perhaps_die(self) -> None:
        """Let time pass, and end the worker now and then."""
        time.sleep(self.random.random() * 0.005)
        if self.random.random() < self.share:
            raise Killed

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Write the weights where they are better than, or as good as, what was the best."""
        (task,) = assignments
        self.perhaps_die()
        score, kept = self.random.randint(1, 12) / 10, None
        if task.better_than is None or not task.objective.is_better(task.better_than, score):
            kept = task.keep
            assert kept is not None
            kept.write_bytes(f"weights of score {score} {self.random.random()}".encode())
        self.perhaps_die()
        return [Fit(Ending.COMPLETED, (score,), score, kept=kept)]

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give a call before and behind which the worker may be killed."""

        def called(*arguments: Any, **named: Any) -> Any:
            self.perhaps_die()
            result = call(*arguments, **named)
            self.perhaps_die()
            return result

        return called


def work_until_spent(ledger: Ledger, folder: Path, trainings: Trainings) -> None:
    """Be a worker, and another one in its place each time that it is killed."""
    while ledger.slots.budget().done < ledger.slots.budget().total:
        one = Worker(ledger, unseen, threading.Event(), folder, trainer=trainings)
        try:
            one.work()
        except Killed:
            ledger.slots.workers.leave(one.identifier)


@pytest.mark.parametrize("seed", range(2))
def test_no_kill_takes_the_weights_of_the_best_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """While four workers are killed at random, the best told trial has its weights at every moment."""
    ledger, trainings = make_ledger(tmp_path, 30), Trainings(seed, share=0.05)
    monkeypatch.setattr(worker, "warm_up_for", lambda *_: None)
    monkeypatch.setattr(telling, "tell_ended", trainings.around(telling.tell_ended))
    monkeypatch.setattr(Weights, "keep", trainings.around(Weights.keep))
    monkeypatch.setattr(Weights, "collect", trainings.around(Weights.collect))
    folder = tmp_path / "runs"
    threads = [threading.Thread(target=work_until_spent, args=(ledger, folder, trainings)) for _ in range(4)]
    for thread in threads:
        thread.start()
    weights, seen = Weights(ledger, folder), 0
    while any(thread.is_alive() for thread in threads):
        best = ledger.best()
        has_weights = best is None or weights.of(best) is not None
        if best == ledger.best():
            assert has_weights
            seen += best is not None
    assert seen
    trainings.share = 0.0
    weights.collect()
    best = ledger.best()
    assert best is not None
    assert [path.name for path in folder.glob("trial-*")] == [f"trial-{best.number}.ckpt"]
    assert f"weights of score {best.score} " in weights.file(best.number).read_text()
    assert Outcome.LOST in map(outcome_of, ledger.trials())


def test_weights_that_another_worker_has_not_told_yet_stay(tmp_path: Path) -> None:
    """A worker that tells the best trial removes beaten ones, and leaves those of a trial that runs."""
    ledger, folder = make_ledger(tmp_path, 3), tmp_path / "runs"
    weights = Weights(ledger, folder)
    folder.mkdir()
    running = [ask(ledger, f"worker {number}") for number in range(3)]
    for number, score in ((1, 0.5), (2, 0.4)):
        weights.begun(number).write_text("weights")
        trial = running[number]
        assert trial is not None
        if number == 1:
            weights.begun(0).write_text("of the trial that runs")
            weights.keep(0)
        tell(ledger, trial, Outcome.COMPLETED, score, weights.keep(number))
        weights.collect()
    assert {path.name for path in folder.glob("*.ckpt")} == {"trial-0.ckpt", "trial-2.ckpt"}


def test_weights_of_another_study_are_neither_removed_nor_taken(tmp_path: Path) -> None:
    """Of two studies that one folder held in turn, each has its own winner, and nothing is overwritten."""
    folder = tmp_path / "runs"
    folder.mkdir()
    for round_ in ("first", "second"):
        ledger = make_ledger(tmp_path, 1)
        weights = Weights(ledger, folder)
        trial = ask(ledger, "worker")
        assert trial is not None
        weights.begun(0).write_text(round_)
        tell(ledger, trial, Outcome.COMPLETED, 0.5, weights.keep(0))
        weights.collect()
        told = TrialRecord.of(ledger.trial(0))
        assert weights.file(0).read_text() == round_
        assert weights.of(told) == weights.file(0)
        if round_ == "first":
            delete(ledger.database, ledger.name)
            continue
        weights.file(0).write_text("of somebody else")
        assert weights.of(told) is None
        assert told.weights is not None
        assert told.weights["file"] == str(weights.file(0))
    assert sorted(path.read_text() for path in folder.iterdir()) == ["first", "of somebody else"]
