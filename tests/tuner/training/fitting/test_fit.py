"""One fit: what it reports, how it ends, what it keeps."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch
import pytest
import torch
from pytorch_lightning import LightningModule

from tests.tuner.training.probes import IN_MEMORY, MLP
from tuner.data import load_batches
from tuner.training.assignment import Assignment, Objective
from tuner.training.fitting.fit import Ending, fit
from tuner.training.fitting.fit import test as evaluate

pytestmark = IN_MEMORY

ADAMW = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}
EXPLODING = {"class_path": "torch.optim.SGD", "init_args": {"lr": 1e30}}


def configuration(**changes: Any) -> dict[str, Any]:
    """Write a small fit of the digits."""
    return {
        "trainer": {"max_epochs": 3},
        "model": {"class_path": MLP, "init_args": {"hidden": [16], "norm": "batch"}},
        "data": {"class_path": "tuner.data.Digits"},
        "optimizer": ADAMW,
        **changes,
    }


def task(*, metric: str = "val_loss", **changes: Any) -> Assignment:
    """Ask for a fit of it."""
    own = {key: changes.pop(key) for key in ("minimizes", "score", "diverged_beyond") if key in changes}
    return replace(Assignment(configuration(), seed=7, objective=Objective(metric, **own)), **changes)


def never(*_: object) -> bool:
    """Ask for no stop."""
    return False


def test_every_validation_is_reported_once_and_in_order() -> None:
    """The report hears the number of each validation, from 1, and its score."""
    heard: list[tuple[int, float]] = []

    def report(step: int, score: float) -> bool:
        heard.append((step, score))
        return False

    result = fit(task(), report)
    assert result.ending is Ending.COMPLETED
    assert [step for step, _ in heard] == [1, 2, 3]
    assert tuple(score for _, score in heard) == result.scores
    assert result.score == min(result.scores)


def test_two_validations_in_an_epoch_are_two_steps() -> None:
    """Steps count validations and not epochs, so none overwrites another."""
    steps: list[int] = []
    half = configuration(trainer={"max_epochs": 2, "val_check_interval": 0.5})
    fit(task(configuration=half), lambda step, _: steps.append(step) is not None)
    assert steps == [1, 2, 3, 4]


def test_the_same_seed_gives_the_same_scores_and_another_seed_others() -> None:
    """A task is one experiment: its seed alone decides its scores."""
    first, again, other = fit(task(), never), fit(task(), never), fit(task(seed=8), never)
    assert first.scores == again.scores
    assert first.scores != other.scores


def test_a_fit_stops_where_the_report_says() -> None:
    """No epoch is trained behind the one at which the report asked for a stop."""
    result = fit(task(), lambda step, _: step == 2)
    assert result.ending is Ending.STOPPED
    assert len(result.scores) == 2
    assert result.score is None


@pytest.mark.parametrize(("score", "choose"), [("best", min), ("last", lambda scores: scores[-1])])
def test_the_score_is_the_best_or_the_last_validation(score: str, choose: Any) -> None:
    """`score` says which validation counts."""
    result = fit(task(score=score), never)
    assert result.score == choose(result.scores)


def test_a_loss_that_is_no_number_ends_the_fit_within_two_steps() -> None:
    """Divergence is noticed in the step after it and not at the end of the epoch."""
    result = fit(task(configuration=configuration(optimizer=EXPLODING)), never)
    assert result.ending is Ending.DIVERGED
    assert result.scores == ()
    step = int(result.cause.rpartition(" ")[2])
    assert step <= 3  # the first step breaks the weights, the second shows it; Lightning counts from 1
    assert "training loss" in result.cause


def test_a_score_beyond_the_bound_counts_as_divergence() -> None:
    """A study may say from which score on a trial has diverged; that score is not reported."""
    result = fit(task(diverged_beyond=1e-6), never)
    assert result.ending is Ending.DIVERGED
    assert "beyond 1e-06" in result.cause
    assert result.scores == ()


class ScoresNaN(LightningModule):
    """A module whose training is fine and whose validation is not."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return a finite loss."""
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log NaN."""
        self.log("val_loss", torch.tensor(math.nan))

    def train_dataloader(self) -> object:
        """Give one batch."""
        return load_batches(torch.ones(4, 1), batch_size=4)

    val_dataloader = train_dataloader

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose the optimizer in the module."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def own(module: type, **trainer: Any) -> dict[str, Any]:
    """Write a configuration for a module that brings its data."""
    return {
        "trainer": {"max_epochs": 1, **trainer},
        "model": {"class_path": f"{module.__module__}.{module.__qualname__}"},
    }


def test_a_score_that_is_no_number_counts_as_divergence() -> None:
    """NaN is never reported as a score."""
    result = fit(task(configuration=own(ScoresNaN)), never)
    assert result.ending is Ending.DIVERGED
    assert "val_loss was nan at validation 1" in result.cause


def test_an_interruption_ends_the_fit_at_the_next_batch() -> None:
    """A worker that is asked to stop waits for no epoch to end."""
    asked = iter([None, None, 0.0])
    result = fit(task(), never, lambda: next(asked))
    assert result.ending is Ending.INTERRUPTED
    assert result.scores == ()


def test_the_weights_behind_the_score_are_kept(tmp_path: Path) -> None:
    """The checkpoint holds the weights of the best validation, not of the last."""
    rising = configuration(
        trainer={"max_epochs": 6}, optimizer={"class_path": "torch.optim.SGD", "init_args": {"lr": 20.0}}
    )
    result = fit(task(configuration=rising, keep=tmp_path / "kept.ckpt"), never)
    assert result.kept == tmp_path / "kept.ckpt"
    assert result.score != result.scores[-1], "the case needs a best validation that is not the last"
    scores = validate(rising, tmp_path / "kept.ckpt")
    assert scores["val_loss"] == pytest.approx(result.score, abs=1e-6)


def validate(configuration: dict[str, Any], checkpoint: Path) -> dict[str, float]:
    """Validate a checkpoint with a trainer of its own."""
    from tuner.training.configuration.assembly import assemble

    made = assemble(configuration)
    found = made.trainer.validate(made.module, datamodule=made.data, ckpt_path=checkpoint, verbose=False)
    return dict(found[0])


@pytest.mark.parametrize(("minimizes", "better_than"), [(True, -1.0), (False, 1e9)])
def test_weights_that_are_not_better_are_not_kept(
    tmp_path: Path, *, minimizes: bool, better_than: float
) -> None:
    """Only a fit that beats the best so far writes a checkpoint, in either direction."""
    changed = task(minimizes=minimizes, keep=tmp_path / "kept.ckpt", better_than=better_than)
    assert fit(changed, never).kept is None
    assert list(tmp_path.iterdir()) == []


def test_testing_reads_the_test_part_and_nothing_else_does(tmp_path: Path) -> None:
    """The test scores come from the checkpoint, and a fit logs none of them."""
    fit(task(keep=tmp_path / "kept.ckpt"), never)
    scores = {"test_loss", "test_error", "test_balanced_error"}
    assert set(evaluate(configuration(), tmp_path / "kept.ckpt", seed=0)) == scores


def test_a_module_without_a_test_step_has_no_test_scores(tmp_path: Path) -> None:
    """Where there is nothing to test with, nothing is tested and nothing fails."""
    assert evaluate(own(ScoresNaN), tmp_path / "absent.ckpt", seed=0) == {}


class OfTheOtherLightning(lightning.pytorch.LightningModule):
    """A module of `lightning.pytorch`."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return a loss."""
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        """Log the loss."""
        self.log("val_loss", self.layer(batch[0]).square().mean())

    train_dataloader = val_dataloader = ScoresNaN.train_dataloader


def test_a_module_of_the_other_lightning_is_fitted_with_our_callbacks() -> None:
    """`lightning.pytorch` takes only its own callbacks, so ours are named by their counterparts there."""
    described = own(OfTheOtherLightning, max_epochs=2)
    described["optimizer"] = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}
    described["trainer"]["callbacks"] = [
        {"class_path": "tuner.callbacks.UndecayedGroups"},
        {"class_path": "tuner.callbacks.LearningRateSchedule", "init_args": {"schedule": "cosine"}},
    ]
    result = fit(task(configuration=described), never)
    assert result.ending is Ending.COMPLETED
    assert len(result.scores) == 2
