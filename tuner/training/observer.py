"""Watching a fit from inside: scores out, divergence noticed, a stop carried in, its state carried on."""

import importlib
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.training.averaging import validated_weights
from tuner.training.checkpoints import save
from tuner.training.class_paths import package_of
from tuner.training.errors import MetricNotLogged
from tuner.training.generators import capture, restore
from tuner.training.task import Task

Report = Callable[[int, float], bool]  # (number of the validation, from 1; its score) -> whether to stop
Resumed = Callable[[Sequence[float]], None]  # the scores of the validations that an earlier fit has made
TimeLeft = Callable[[], float | None]  # seconds within which the fit shall end; None where nobody asks


_STATE = "tuner"  # key of a checkpoint


class Stopped(Exception):
    """The report asked for no more epochs."""


class Interrupted(Exception):
    """The worker asked the fit to end now."""


class Diverged(Exception):
    """The training left the numbers; the message says how."""


class Observer:
    """Hooks of a Lightning callback that watch one fit; they have to run before those of other callbacks.

    On rank 0 each validation's score is reported; the answer is broadcast, so every rank stops at the same
    place. Steps are counted in validations, because two validations can fall into one epoch.

    The state of the training is kept as an epoch begins, when everything that belongs to the epoch before
    has been done: schedulers have stepped, and other callbacks have had their say.
    """

    def __init__(self, task: Task, report: Report, resumed: Resumed, time_left: TimeLeft) -> None:
        super().__init__()
        self.scores: list[float] = []
        self.best_weights: dict[str, Tensor] | None = None
        self.task = task
        self.report = report
        self.resumed = resumed
        self.time_left = time_left
        self.pending_loss: Tensor | None = None
        callbacks = importlib.import_module(f"{package_of(task.configuration)}.callbacks")
        self.averaging: type[Any] = callbacks.WeightAveraging
        self.generators: list[dict[str, Any]] | None = None  # of each rank, to go on with
        self.is_saving = False
        self.on_sigterm = signal.getsignal(signal.SIGTERM)
        self.saved_at = self.epoch_began = time.monotonic()
        self.validation_began, self.validation_seconds = self.epoch_began, 0.0

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning."""
        self.take_signals_back()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning."""
        self.take_signals_back()

    def take_signals_back(self) -> None:
        """Undo that Lightning ends a fit on SIGTERM: whoever began the fit asks for an end by `time_left`."""
        if self.on_sigterm is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.on_sigterm)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on where an earlier fit was left, or keep the state of this one."""
        if self.generators is not None:
            self.go_on(trainer, self.generators)
            self.generators = None
        elif trainer.current_epoch > 0:
            self.keep_state(trainer)
        self.epoch_began = time.monotonic()

    def go_on(self, trainer: Trainer, generators: list[dict[str, Any]]) -> None:
        """Begin the epoch as the fit would have begun it whose state was loaded."""
        restore(generators[trainer.global_rank], _loaders(trainer))
        # Lightning would take up the order of samples that it drew before the generators were put back. With
        # its loops told that nothing is resumed, it draws the order of this epoch now.
        trainer.fit_loop.restarting = False
        trainer.fit_loop.on_iteration_done()
        if trainer.is_global_zero:
            self.resumed(self.scores)

    def keep_state(self, trainer: Trainer) -> None:
        """Save a checkpoint where one is due, and end the fit if it is asked to."""
        is_leaving = self.time_left() is not None
        is_due = time.monotonic() - self.saved_at >= self.task.every
        is_leaving, is_due = trainer.strategy.broadcast((is_leaving, is_due))
        if self.task.checkpoint is not None and (is_leaving or is_due):
            self.is_saving = True
            save(trainer, self.task.checkpoint)
            self.is_saving = False
            self.saved_at = time.monotonic()
        if is_leaving:
            raise Interrupted

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what Lightning leaves out; a checkpoint that the user's own callback writes stays as it is."""
        if not self.is_saving:
            return
        mine = capture(_loaders(trainer))
        checkpoint[_STATE] = {
            "scores": list(self.scores),
            "best_weights": self.best_weights,
            "generators": gather(trainer, mine),
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up what `on_save_checkpoint` added."""
        kept = checkpoint.get(_STATE)
        if kept is None:
            return
        self.scores, self.best_weights = list(kept["scores"]), kept["best_weights"]
        self.generators = kept["generators"]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the fit if the loss is no finite number, or if it shall end before the epoch does."""
        left = self.time_left()
        if left is not None and left < self.epoch_takes(trainer, batch_idx + 1):
            raise Interrupted
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return  # manual optimization may return nothing
        # Reading a number off an accelerator waits for it; a step later it is there anyway.
        is_ready = loss.device.type == "cpu"
        due, self.pending_loss = (loss, None) if is_ready else (self.pending_loss, loss.detach())
        if due is not None and not math.isfinite(float(due.mean())):
            raise Diverged(f"the training loss was {float(due.mean())} at step {trainer.global_step}")

    def epoch_takes(self, trainer: Trainer, done: int) -> float:
        """Guess how many seconds an epoch still takes; 0 where its length is not known.

        Args:
            trainer: the trainer.
            done: batches of the epoch that are done, at least one.
        """
        if self.task.checkpoint is None:
            return math.inf  # nothing would come of waiting
        total = trainer.num_training_batches
        if not math.isfinite(total):
            return 0.0
        return (time.monotonic() - self.epoch_began) / done * (total - done) + self.validation_seconds

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note when a validation begins."""
        self.validation_began = time.monotonic()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """End the fit if it shall have ended by now."""
        left = self.time_left()
        if left is not None and (left <= 0 or self.task.checkpoint is None):
            raise Interrupted

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of a validation."""
        self.validation_seconds = time.monotonic() - self.validation_began
        if not trainer.sanity_checking:
            self.take_score(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of an epoch where nothing is validated."""
        if not trainer.enable_validation:
            self.take_score(trainer, pl_module)

    def take_score(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the metric, refuse it if it shows divergence, and report it."""
        logged = trainer.callback_metrics
        if self.task.metric not in logged:
            names = ", ".join(sorted(logged))
            remedy = (
                f"which logs {names}; set study.metric to one of them, or log it with self.log."
                if names
                else "which logs nothing; log it with self.log, and give the data a val_dataloader."
            )
            raise MetricNotLogged(
                f"The metric {self.task.metric!r} is not logged by {type(pl_module).__name__} in validation, "
                f"{remedy}"
            )
        score = agreed(trainer, logged[self.task.metric])
        self.refuse_divergence(score)
        if self.wants_weights(score):
            self.best_weights = validated_weights(trainer, pl_module, self.averaging)
        self.scores.append(score)
        stop = self.report(len(self.scores), score) if trainer.is_global_zero else False
        if trainer.strategy.broadcast(stop):
            raise Stopped

    def wants_weights(self, score: float) -> bool:
        """Say whether the weights of this moment would be the ones to keep."""
        if self.task.keep is None or self.task.score == "last":
            return False
        best = self.task.score_of(self.scores)
        return best is None or self.task.is_better(score, best)

    def refuse_divergence(self, score: float) -> None:
        """End the fit if a score is no finite number or beyond the study's own bound."""
        place, bound = f"at validation {len(self.scores) + 1}", self.task.diverged_beyond
        if not math.isfinite(score):
            raise Diverged(f"{self.task.metric} was {score} {place}")
        if bound is not None and self.task.is_better(bound, score):
            raise Diverged(f"{self.task.metric} was {score:.6g} {place}, beyond {bound:.6g}")


def agreed(trainer: Trainer, score: Tensor) -> float:
    """Give the mean of what the ranks have; a module that synchronizes its metric has the same on each."""
    if trainer.world_size == 1:
        return float(score)
    mean: Tensor = trainer.strategy.reduce(score.detach().clone(), reduce_op="mean")
    return float(mean)


def gather(trainer: Trainer, mine: object) -> list[Any]:
    """Give what every rank has, in the order of the ranks."""
    if trainer.world_size == 1:
        return [mine]
    everyone: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(everyone, mine)
    return everyone


def _loaders(trainer: Trainer) -> list[Any]:
    """Give every loader of a trainer, those of training first."""
    parts = trainer.train_dataloader, trainer.val_dataloaders
    return [loader for part in parts for loader in _flat(part)]


def _flat(part: Any) -> list[Any]:
    if isinstance(part, Mapping):
        part = list(part.values())
    if isinstance(part, list | tuple):
        return [loader for item in part for loader in _flat(item)]
    return [] if part is None else [part]


def observer_class(package: str) -> Callable[..., Any]:
    """Give `Observer` as a callback of the Lightning that `package` names; each accepts only its own."""
    return type("FitObserver", (Observer, importlib.import_module(package).Callback), {})
