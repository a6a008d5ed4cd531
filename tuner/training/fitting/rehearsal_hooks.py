"""Hooks that end the training of a rehearsal once it has shown that it can go on."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer

from tuner.training.fitting.epoch_size import EpochSize, epoch_size
from tuner.training.fitting.fresh import FreshMetric
from tuner.training.logs.loggers import place_callbacks
from tuner.training.resuming.exactness import NOT_PICKLED, why_unsaved

BATCHES = 3  # of a short epoch; more where an optimizer's step takes more
SHORT = 3  # epochs that are ended early while the metric is awaited; later ones come to their end
EPOCHS = 10  # within which the metric has to be logged
VALIDATIONS = 3  # without the metric, after which it is missing when the time is up


class OutOfTime(Exception):
    """The time of a rehearsal is up."""


class RehearsalHooks:
    """Hooks of a Lightning callback that end a training once it has shown that it can go on.

    Short epochs are validated after a few steps and then ended, until the metric has been logged. An epoch is
    ended by a StopIteration, which Lightning's loops take for the end of the data; so what a module and
    callbacks do at the end of an epoch, of a validation and of a fit is done.

    Args:
        metric: the study's.
        place: a folder for what the training writes.
        seconds: within which training and validation shall end.
        stepped: is called behind the first batch.
    """

    def __init__(self, metric: str, place: Path, seconds: float, stepped: Callable[[], None]) -> None:
        super().__init__()
        self.place = place
        self.metric, self.seconds, self.stepped = metric, seconds, stepped
        self.deadline = math.inf
        self.size: EpochSize | None = None
        self.batches = self.epochs = self.validations = 0
        self.unsaved: list[str] = []  # why the state of the training cannot be saved
        self.fresh = FreshMetric(metric)
        self.in_validation = self.in_training = False  # a value of the metric was logged there
        self.logged: set[str] = set()
        self.of_batches: set[str] = set()  # names that batches of validations have logged
        self.offered: set[str] = set()  # what is logged in validation, and not before
        self.before: set[str] = set()
        self.is_validated = False  # this epoch, on our demand
        self.schedule: tuple[Any, Any] | None = None  # of validations, while ours is due

    @property
    def is_short(self) -> bool:
        """Say whether this epoch is to be ended early."""
        return self.epochs < SHORT

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Place what the module has made."""
        place_callbacks(trainer.checkpoint_callbacks, self.place, lambda _: str(self.place))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count the time, which reading the data does not share."""
        self.size = epoch_size(trainer)
        self.fresh.follow(trainer)
        self.deadline = time.monotonic() + self.seconds

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the fit where the epochs so far have shown enough."""
        self.close_epoch(trainer)
        if self.is_logged or self.epochs >= EPOCHS:
            raise StopIteration
        self.is_validated = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """End a short epoch."""
        is_enough = self.is_validated if trainer.enable_validation else batch_idx >= self.needed(trainer)
        if self.is_short and is_enough:
            # So that schedules step as at the end of any epoch.
            trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True
            raise StopIteration

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Have a short epoch validated."""
        self.batches += 1
        if self.batches == 1:
            self.stepped()
        self.leave_in_time()
        is_due = batch_idx + 1 >= self.needed(trainer) or trainer.is_last_batch
        if self.is_short and is_due and not self.is_validated and trainer.enable_validation:
            self.demand_validation(trainer)

    def needed(self, trainer: Trainer) -> int:
        """Count the batches of a short epoch: at least a step of the optimizer."""
        return max(BATCHES, trainer.accumulate_grad_batches)

    def demand_validation(self, trainer: Trainer) -> None:
        """Have a validation made now."""
        loop, self.schedule = trainer.fit_loop, (trainer.val_check_batch, trainer.check_val_every_n_epoch)
        # Batches are counted from the beginning of the epoch, or of the fit where epochs do not matter.
        counts_all = trainer.check_val_every_n_epoch is None
        trainer.check_val_every_n_epoch = None if counts_all else 1
        if trainer.val_check_batch is None:  # validations are due by the clock; a stop is validated too
            loop.min_epochs, loop.epoch_loop.min_steps = 0, None
            trainer.should_stop = True
        else:
            trainer.val_check_batch = 1 + (loop.total_batch_idx if counts_all else loop.batch_idx)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the trainer its own schedule of validations back."""
        if self.schedule is not None:
            trainer.val_check_batch, trainer.check_val_every_n_epoch = self.schedule
            self.schedule = None
        self.before = set(trainer.callback_metrics)
        self.fresh.open()

    def on_validation_batch_end(self, trainer: Trainer, *_: Any, **__: Any) -> None:
        """End a validation that takes too long, and note what is logged for a batch."""
        self.of_batches |= {*trainer.logged_metrics, *trainer.progress_bar_metrics}
        self.leave_in_time()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at what was logged."""
        if not trainer.sanity_checking:
            self.validations += 1
            self.is_validated = True
            self.in_validation |= self.fresh.close() is not None
            self.offered |= set(trainer.callback_metrics) - self.before
            self.logged |= set(trainer.callback_metrics)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the epoch."""
        self.epochs += 1
        self.fresh.open()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at what was logged last, and save what a trial that is interrupted would save."""
        self.close_epoch(trainer)
        try:
            trainer.save_checkpoint(self.place / "whole.ckpt")
        except NOT_PICKLED as error:
            self.unsaved.append(why_unsaved(error))

    def close_epoch(self, trainer: Trainer) -> None:
        """Look at what an epoch has logged, once all that hear of its end have done so."""
        if self.epochs > 0:
            self.in_training |= self.fresh.close() is not None
            self.logged |= set(trainer.callback_metrics)

    @property
    def is_logged(self) -> bool:
        """Say whether the metric has had a value that would be a score."""
        return self.in_validation or self.in_training

    def leave_in_time(self) -> None:
        """End the fit where the time is up."""
        if time.monotonic() > self.deadline:
            raise OutOfTime
