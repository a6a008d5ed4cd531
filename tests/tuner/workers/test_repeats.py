"""Trials that really train several times: each training is plain Lightning's, wherever it was interrupted."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import pytest
import torch
import yaml
from pytorch_lightning import Trainer, seed_everything

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.proposing.seeds import training_seed
from studies.trials.outcomes import Outcome
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import work
from tuner.preparation.prepare import prepare
from tuner.results.export import export
from tuner.training.assignment import Assignment
from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS
from tuner.training.ends import End, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.trainer import Line
from tuner.workers.events import unseen
from tuner.workers.processes.executor import ProcessTrainer
from tuner.workers.weights import Weights
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY

SEEDS, EPOCHS = 3, 40
STUDY = """
study: {name: repeated, metric: val_loss, trials: 2, seed: 3, threads: 1, score: last,
  repeats: {seeds: 3}, racing: false}
trainer: {max_epochs: 40, accelerator: cpu}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
pruner: {class_path: optuna.pruners.NopPruner}
"""


@dataclass
class LeavingLine:
    """Passes on what a training says, and asks all to leave at the n-th score of the worker."""

    line: Line
    trainer: "LeavingTrainer"

    @property
    def stop(self) -> threading.Event:
        """The worker's."""
        return self.line.stop

    @property
    def grace(self) -> float:
        """The worker's."""
        return self.line.grace

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Pass it on."""
        return self.line.sized(lane, size)

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Pass it on."""
        self.trainer.resumed.append(dict(scores))
        self.line.resumed(lane, scores)

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Pass it on, and count it."""
        self.trainer.scored += 1
        if self.trainer.scored == self.trainer.leaves_at:
            self.stop.set()
        return self.line.scored(lane, step, score)


@dataclass
class LeavingTrainer:
    """Trains in processes, as a worker does, until a score at which the worker is asked to leave."""

    leaves_at: int
    scored: int = 0
    resumed: list[dict[int, float]] = field(default_factory=list)

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Fit each."""
        return ProcessTrainer().fit(assignments, LeavingLine(line, self))


def make(folder: Path, text: str = STUDY) -> Ledger:
    """Put the study in a fresh database."""
    definition = prepare(parse_study_file(text, source="repeated.yaml"))
    return create(open_database(f"sqlite:///{folder}/tuner.db"), definition, text)


def plain(width: int, seed: int) -> tuple[float, Mapping[str, torch.Tensor]]:
    """Train with `Trainer.fit` and nothing of ours, and give the last loss and the weights."""
    torch.set_num_threads(1)
    seed_everything(seed, workers=True, verbose=False)
    module = Small(width)
    trainer = Trainer(**{**TRAINER_DEFAULTS, "max_epochs": EPOCHS, "accelerator": "cpu"})
    trainer.fit(module)
    return float(trainer.callback_metrics["val_loss"]), module.state_dict()


@pytest.mark.usefixtures("checkpoint_each_epoch")
@pytest.mark.parametrize("leaves_at", [5, EPOCHS + 5, 2 * EPOCHS + 5])
def test_a_trial_that_is_left_in_any_training_scores_the_mean_of_plain_trainings(
    tmp_path: Path, leaves_at: int
) -> None:
    """It goes on inside the training that it was left in, and no digit differs; its last weights are kept."""
    ledger, trainer, again = make(tmp_path), LeavingTrainer(leaves_at), LeavingTrainer(0)
    Worker(ledger, unseen, threading.Event(), tmp_path, trainer=trainer).work()
    assert [record.outcome for record in ledger.records()] == [Outcome.PREEMPTED]
    Worker(ledger, unseen, threading.Event(), tmp_path, trainer=again).work()
    (resumed,) = again.resumed
    assert 0 < len(resumed) < EPOCHS
    completed = [record for record in ledger.records() if record.outcome is Outcome.COMPLETED]
    assert len(completed) == 2
    for record in completed:
        seeds = [training_seed(ledger.definition, record.slot or 0, repeat) for repeat in range(SEEDS)]
        trained = [plain(int(record.values["model.init_args.width"]), seed) for seed in seeds]
        assert record.repeats == tuple(score for score, _ in trained)
        assert record.score == fmean(record.repeats)
        assert record.anew is None
        if record == ledger.best():
            kept = Weights(ledger, tmp_path).of(record)
            assert kept is not None
            weights = torch.load(kept, weights_only=True)["state_dict"]
            assert all(torch.equal(weights[name], value) for name, value in trained[-1][1].items())
            export(ledger, record, tmp_path / "best.yaml")
            written = (tmp_path / "best.yaml").read_text()
            assert yaml.safe_load(written)["seed_everything"] == seeds[-1]
            assert f"this is the last of them, which scored {record.repeats[-1]:.6g}" in written
    assert status_of(ledger).epochs == 2 * SEEDS * EPOCHS
    assert not list((tmp_path / "checkpoints").iterdir())


def test_paused_trials_are_repeated_too(tmp_path: Path) -> None:
    """A trial pauses and goes on in its first training; one that ends has been trained three times."""
    pausing = "{class_path: studies.proposing.pausing.PausingPruner, init_args: {rungs: 1}}"
    text = STUDY.replace("trials: 2", "trials: 6").replace("threads: 1", "threads: 1, exploration: 0.0")
    ledger = make(tmp_path, text.replace("{class_path: optuna.pruners.NopPruner}", pausing))
    work(ledger, tmp_path)
    records = {record.slot: record for record in ledger.records()}.values()
    completed = [record for record in records if record.outcome is Outcome.COMPLETED]
    assert any((record.attempt or 0) > 1 for record in completed), "none was taken up again and ended"
    assert any(record.outcome is Outcome.PAUSED for record in records)
    for record in completed:
        seeds = [training_seed(ledger.definition, record.slot or 0, repeat) for repeat in range(SEEDS)]
        width = int(record.values["model.init_args.width"])
        assert record.repeats == tuple(plain(width, seed)[0] for seed in seeds)
    paused = sum(max(record.curve) for record in records if record.outcome is Outcome.PAUSED)
    assert status_of(ledger).epochs == paused + len(completed) * SEEDS * EPOCHS
