"""The scores of a fit, from inside: read where they are fresh, refused where they diverge, reported."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.callbacks.averaging import validated_weights
from tuner.errors import MetricNotLogged
from tuner.training.assignment import Assignment
from tuner.training.ends import Ending, Reply
from tuner.training.fitting.epoch_size import EpochSize, epoch_size
from tuner.training.fitting.fresh import FreshMetric, two_kinds
from tuner.training.fitting.kept_metrics import KeptMetrics
from tuner.training.process.together import mean_score

# (number of the validation, from 1; its score) -> what to do; true alone means to stop.
Report = Callable[[int, float], Reply | bool]


class Scoring:
    """Hooks of a Lightning callback that take the scores of one fit.

    On rank 0 each score is reported; the answer is broadcast, so every rank stops at the same place. A score
    is numbered by the validations made so far, because two validations can fall into one epoch; a metric that
    is logged in training is numbered by the epochs trained, and `sized` hears of it before its first score.

    A stop ends the fit in order: other callbacks hear that it ends, and loggers hear of a success. The flag
    `should_stop` of Lightning waits for `min_epochs` and may add a validation. What ends a loop at once is
    the StopIteration of a hook, which Lightning's loops take for the end of the data; a test watches that.
    """

    def __init__(
        self, assignment: Assignment, report: Report, sized: Callable[[EpochSize], None], averaging: type[Any]
    ) -> None:
        super().__init__()
        self.assignment = assignment
        self.report = report
        self.sized = sized
        self.averaging = averaging
        self.scores: dict[int, float] = {}
        self.validations = 0
        self.ending: Ending | None = None  # None while the fit goes on
        self.cause = ""
        self.is_pausing = False  # it pauses as soon as its state can be kept
        self.best_weights: dict[str, Tensor] | None = None
        self.metric = FreshMetric(assignment.objective.metric)
        self.beside = KeptMetrics(assignment.metrics)
        self.closing: int | None = None  # an epoch that has ended, from 1, whose score is not looked at yet
        self.is_of_validation = False  # the metric is logged in validation
        self.validation_began, self.validation_seconds = time.monotonic(), 0.0

    def end(self, ending: Ending, cause: str = "") -> None:
        """Note how the fit ends; the next hook leads out of it."""
        if self.ending is None:
            self.ending, self.cause = ending, cause

    def leave_if_ended(self) -> None:
        """Leave the loop that has called a hook, where the fit has ended."""
        if self.ending is not None:
            raise StopIteration

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note when a validation begins, and which value of the metric is older."""
        self.validation_began = time.monotonic()
        self.metric.open()
        self.beside.open()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of a validation, if the metric was logged in it."""
        self.validation_seconds = time.monotonic() - self.validation_began
        if trainer.sanity_checking:
            return
        if self.ending is not None:  # in the middle of this validation, of which nobody else shall hear
            trainer.training = True
            raise StopIteration
        self.validations += 1
        score = mean_score(trainer, self.metric.close())
        self.beside.close_validation(trainer)
        if score is None:
            return
        if self.scores and not self.is_of_validation:
            raise MetricNotLogged(two_kinds(self.assignment.objective.metric, pl_module))
        self.is_of_validation = True
        self.take_score(trainer, pl_module, self.validations, score)
        # What has begun is closed as Lightning closes it for any callback that stops a fit.
        trainer.should_stop |= self.ending is not None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the score for later, as the module may log it after this; close no broken epoch."""
        if self.ending in {Ending.INTERRUPTED, Ending.DIVERGED}:
            raise StopIteration
        self.metric.open()
        self.beside.open()
        self.closing = trainer.current_epoch + 1 if self.ending is None else None

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of the last epoch."""
        self.score_epoch(trainer, pl_module)

    def score_epoch(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of an epoch that has ended, if the metric is logged in training."""
        epoch, self.closing = self.closing, None
        if epoch is None:
            return
        self.beside.close_epoch(trainer, pl_module)
        if self.ending is not None or self.is_of_validation:
            return
        score = mean_score(trainer, self.metric.close())
        if score is None:
            return
        if not self.scores:
            self.tell_size(trainer, by_epochs=True)
        self.take_score(trainer, pl_module, epoch, score)

    def tell_size(self, trainer: Trainer, *, by_epochs: bool) -> None:
        """Tell what an epoch is, and whether each epoch gives a score although there are validations."""
        if trainer.is_global_zero:
            size = epoch_size(trainer)
            self.sized(replace(size, validates=False) if by_epochs else size)

    def take_score(self, trainer: Trainer, pl_module: LightningModule, number: int, score: float) -> None:
        """Refuse a score that shows divergence, and report any other."""
        place = f"at {'validation' if self.is_of_validation else 'epoch'} {number}"
        if cause := self.assignment.objective.divergence(score, place):
            self.end(Ending.DIVERGED, cause)
            return
        if self.wants_weights(score):
            self.best_weights = validated_weights(trainer, pl_module, self.averaging)
        if self.counts(score):
            self.beside.count(is_open=self.is_of_validation)
        self.scores[number] = score
        reply = self.report(number, score) if trainer.is_global_zero else Reply.GO_ON
        reply = trainer.strategy.broadcast(reply)
        if reply is Reply.PAUSE:
            self.is_pausing = True  # at the end of the epoch, whatever is said of its later validations
        elif reply:
            self.end(Ending.STOPPED)

    def wants_weights(self, score: float) -> bool:
        """Say whether the weights of this moment would be the ones to keep."""
        if self.assignment.keep is None or self.assignment.objective.score == "last":
            return False
        return self.counts(score)

    def counts(self, score: float) -> bool:
        """Say whether the score of the fit would be this one, if the fit ended now."""
        if self.assignment.objective.score == "last":
            return True
        best = self.assignment.objective.score_of([*self.scores.values()])
        return best is None or self.assignment.objective.is_better(score, best)
