"""A score is a fresh and complete value of the metric."""

import random
from pathlib import Path
from typing import Any

import pytest

from studies.definition.length import TrialLength
from tests.tuner.training.fitting.test_length import drawn
from tests.tuner.training.odd_modules import OwnNet
from tests.tuner.training.probes import IN_MEMORY
from tuner.errors import MetricNotLogged
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Fit
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.fitting.fit import fit

pytestmark = [IN_MEMORY, pytest.mark.filterwarnings("ignore:You are trying to `self.log:UserWarning")]


def train(metric: str, *, wanted: str = "score", model: str = "OwnNet", **trainer: Any) -> Fit:
    """Train some epochs with a metric that is logged in one way."""
    model = "OwnLate" if metric == "late" else model
    home = __name__ if model != "OwnNet" else "tests.tuner.training.odd_modules"
    configuration = {
        "trainer": {"max_epochs": 7, "accelerator": "cpu", **trainer},
        "model": {"class_path": f"{home}.{model}", "init_args": {"metric": metric}},
        "data": {"class_path": "tests.tuner.training.odd_modules.OwnData"},
    }
    return fit(Assignment(configuration, 3, Objective(wanted), facts=False), lambda *_: False)


# how the metric is logged, the trainer -> the numbers of its scores
NUMBERED: list[tuple[str, dict[str, Any], list[int]]] = [
    ("third", {}, [1, 4, 7]),
    ("third", {"val_check_interval": 2}, [1, 4, 7, 10, 13]),
    ("val", {"check_val_every_n_epoch": 3}, [1, 2]),
    ("val", {"val_check_interval": 2, "max_epochs": 2}, [1, 2, 3, 4]),
    ("train", {}, [1, 2, 3, 4, 5, 6, 7]),
    ("train", {"val_check_interval": 2, "max_epochs": 3}, [1, 2, 3]),
    ("train", {"check_val_every_n_epoch": 3}, [1, 2, 3, 4, 5, 6, 7]),
    ("late", {}, [4, 5, 6, 7]),
    ("late", {"val_check_interval": 2}, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
    ("train_end", {"limit_val_batches": 0}, [1, 2, 3, 4, 5, 6, 7]),
    ("train_end", {"check_val_every_n_epoch": 3}, [1, 2, 3, 4, 5, 6, 7]),
    ("both", {}, [1, 2, 3, 4, 5, 6, 7]),
    ("torchmetrics", {"num_sanity_val_steps": 2}, [1, 2, 3, 4, 5, 6, 7]),
]


@pytest.mark.parametrize(("metric", "trainer", "steps"), NUMBERED)
def test_a_score_is_numbered_by_the_validations_made(
    metric: str, trainer: dict[str, Any], steps: list[int]
) -> None:
    """No value is scored twice, and a pruner compares trials that have been validated equally often.

    A metric of training is numbered by epochs, however many validations there are.
    """
    end = train(metric, **trainer)
    assert list(end.steps) == steps
    assert len(set(end.scores)) == len(end.scores)


@pytest.mark.parametrize("wanted", ["score", "score_epoch"])
def test_a_metric_of_training_is_the_mean_of_its_epoch(wanted: str, tmp_path: Path) -> None:
    """Where batches log it too, the last of them is no score."""
    end = train("train", wanted=wanted, model="OwnListing", max_epochs=2)
    batches = OwnListing.losses
    assert len(batches) == 10
    assert end.scores == pytest.approx([sum(batches[:5]) / 5, sum(batches[5:]) / 5], rel=1e-6)


class OwnListing(OwnNet):
    """Notes its losses."""

    losses: list[float] = []  # noqa: RUF012 - of the last training

    def on_train_start(self) -> None:
        """Forget those of another training."""
        self.losses.clear()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note the loss."""
        self.losses.append(float(outputs["loss"]))


class OwnLate(OwnNet):
    """Logs from the fourth validation on: a metric that a warm-up leaves out."""

    def __init__(self, metric: str) -> None:
        super().__init__("val_end")
        self.validations = 0

    def on_validation_epoch_end(self) -> None:
        """Count, and log later."""
        self.validations += 1
        if self.validations > 3:
            super().on_validation_epoch_end()


class OwnPerBatch(OwnNet):
    """Logs as `self.log` does by default in training: the single batch."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        """Log the loss."""
        loss = self.loss(batch)
        self.log("of_batch", loss)
        return loss


def test_the_value_of_a_single_batch_is_refused() -> None:
    """A sentence says how to log the whole epoch's value; the last batch is no score."""
    with pytest.raises(MetricNotLogged, match=r"for single batches only.*on_epoch=True\)\.$"):
        train("val", wanted="of_batch", model="OwnPerBatch")
    with pytest.raises(MetricNotLogged, match=r"for single batches only.*set study\.metric to score_epoch"):
        train("train", wanted="score_step")


@pytest.mark.parametrize(
    ("metric", "trainer", "sentence"),
    [
        ("val", {}, r"'scor' is not logged by OwnNet, which logs score; set study\.metric"),
        ("val_end", {}, r"which logs other, score; set study\.metric to one of them"),
        ("val", {"check_val_every_n_epoch": 2}, "is not logged by OwnNet, which logs score"),
        ("val", {"limit_val_batches": 0}, "which logs nothing"),
        ("val", {"check_val_every_n_epoch": 9}, "which logs nothing"),
        ("val", {"max_epochs": 0}, "which logs nothing"),
        ("val", {"max_steps": 0}, "which logs nothing"),
        ("val", {"barebones": True}, r"because trainer\.barebones logs nothing; remove barebones"),
    ],
)
def test_a_metric_that_is_never_logged_ends_the_training_with_a_sentence(
    metric: str, trainer: dict[str, Any], sentence: str
) -> None:
    """The sentence names what is logged; a training without one score is no completed trial."""
    with pytest.raises(MetricNotLogged, match=sentence):
        train(metric, wanted="scor", **trainer)


def test_a_metric_of_two_kinds_is_refused_where_they_would_mix() -> None:
    """One name in training and validation is that of validation; what came before it cannot be taken back."""
    with pytest.raises(MetricNotLogged, match="log the two under two names"):
        train("both", check_val_every_n_epoch=2)


@pytest.mark.parametrize("seed", range(8))
def test_scores_of_epochs_are_counted_as_epochs(seed: int) -> None:
    """Where the metric is logged in training, number, length and rungs count epochs, however it validates."""
    dice = random.Random(seed)  # noqa: S311 - not for secrets
    trainer, _, _, _ = drawn(dice)
    trainer |= {"val_check_interval": dice.choice([1.0, 2, 3]), "limit_train_batches": 4}
    configuration = {
        "trainer": {**trainer, "accelerator": "cpu"},
        "model": {"class_path": "tests.tuner.training.odd_modules.OwnNet", "init_args": {"metric": "train"}},
        "data": {"class_path": "tests.tuner.training.odd_modules.OwnData"},
    }
    heard: list[Any] = []
    end = fit(
        Assignment(configuration, 3, Objective("score"), facts=False),
        lambda *score: bool(heard.append(score)),
        sized=heard.append,
    )
    kinds = [isinstance(said, EpochSize) for said in heard]
    assert kinds == sorted(kinds, reverse=True)  # all is known before the first score
    length = TrialLength.of(configuration).told(**vars(heard[sum(kinds) - 1]))
    assert length.validations == len(end.scores)
    assert end.steps == tuple(range(1, len(end.steps) + 1))
    assert length.epochs is not None
    assert [length.epochs_at(step) for step in end.steps] == [min(step, length.epochs) for step in end.steps]
