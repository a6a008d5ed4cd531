"""Watching a fit from inside: scores out, divergence noticed, a stop carried in, its state carried on."""

import importlib
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.training.averaging import validated_weights
from tuner.training.checkpoints import save
from tuner.training.class_paths import package_of
from tuner.training.epoch_size import EpochSize, epoch_size
from tuner.training.errors import MetricNotLogged
from tuner.training.fresh import FreshMetric
from tuner.training.generators import capture, restore
from tuner.training.task import Ending, Task
from tuner.training.together import any_rank, gather, mean_score

Report = Callable[[int, float], bool]  # (number of the validation, from 1; its score) -> whether to stop
Resumed = Callable[[Mapping[int, float]], None]  # the scores of an earlier fit, by their validations
TimeLeft = Callable[[], float | None]  # seconds within which the fit shall end; None where nobody asks

_STATE = "tuner"  # key of a checkpoint


class Observer:
    """Hooks of a Lightning callback that watch one fit; they have to run before those of other callbacks.

    On rank 0 each score is reported; the answer is broadcast, so every rank stops at the same place. A score
    is numbered by the validations made so far, because two validations can fall into one epoch; one that is
    logged in training counts on from there, so that numbers rise.

    A stop ends the fit in order: other callbacks hear that it ends, and loggers hear of a success. Lightning's
    own `should_stop` waits for `min_epochs` and may add a validation. What ends a loop at once is the
    StopIteration of a hook, which Lightning's loops take for the end of the data; a test watches that.

    The state of the training is kept as an epoch begins, when everything that belongs to the epoch before
    has been done: schedulers have stepped, and other callbacks have had their say.
    """

    def __init__(
        self,
        task: Task,
        report: Report,
        resumed: Resumed,
        time_left: TimeLeft,
        begun: Callable[[EpochSize], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.scores: dict[int, float] = {}
        self.validations = 0
        self.ending: Ending | None = None  # None while the fit goes on
        self.cause = ""
        self.best_weights: dict[str, Tensor] | None = None
        self.task = task
        self.report = report
        self.resumed = resumed
        self.time_left = time_left
        self.begun = begun
        self.metric = FreshMetric(task.metric)
        self.is_closing = False  # an epoch has ended whose score has not been looked at
        self.is_of_validation = False  # the metric is logged in validation
        self.pending_loss: Tensor | None = None
        callbacks = importlib.import_module(f"{package_of(task.configuration)}.callbacks")
        self.averaging: type[Any] = callbacks.WeightAveraging
        self.kept: dict[str, Any] | None = None  # the state of an earlier fit, to go on with
        self.is_saving = False
        self.on_sigterm = signal.getsignal(signal.SIGTERM)
        self.saved_at = self.epoch_began = time.monotonic()
        self.validation_began, self.validation_seconds = self.epoch_began, 0.0

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning."""
        self.take_signals_back()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning, follow the metrics, and tell what an epoch is."""
        self.take_signals_back()
        if trainer.is_global_zero:
            self.begun(epoch_size(trainer))
        self.metric.follow(trainer)

    def take_signals_back(self) -> None:
        """Undo that Lightning ends a fit on SIGTERM: whoever began the fit asks for an end by `time_left`."""
        if self.on_sigterm is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.on_sigterm)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on where an earlier fit was left, or keep the state of this one."""
        if self.kept is not None:
            self.go_on(trainer, self.kept)
            self.kept = None
        else:
            self.score_epoch(trainer, pl_module)
            if trainer.current_epoch > 0 and self.ending is None:
                self.keep_state(trainer)
        self.leave_if_ended()
        self.epoch_began = time.monotonic()

    def go_on(self, trainer: Trainer, kept: Mapping[str, Any]) -> None:
        """Begin the epoch as the fit would have begun it whose state was loaded."""
        restore(kept["generators"][trainer.global_rank], _loaders(trainer))
        trainer.callback_metrics.update(kept["metrics"])
        # Lightning would take up the order of samples that it drew before the generators were put back. With
        # its loops told that nothing is resumed, it draws the order of this epoch now. The loop of epochs
        # takes a value for `restarting` only where no `max_steps` is set, so it is told as after an epoch.
        loop = trainer.fit_loop
        loop.epoch_loop.restarting = False
        for part in (loop, loop.epoch_loop, loop.epoch_loop.val_loop):
            part.on_iteration_done()
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
            self.end(Ending.INTERRUPTED)

    def end(self, ending: Ending, cause: str = "") -> None:
        """Note how the fit ends; the next hook leads out of it."""
        if self.ending is None:
            self.ending, self.cause = ending, cause

    def leave_if_ended(self) -> None:
        """Leave the loop that has called a hook, where the fit has ended."""
        if self.ending is not None:
            raise StopIteration

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what Lightning leaves out; a checkpoint that the user's own callback writes stays as it is."""
        if not self.is_saving:
            return
        mine = capture(_loaders(trainer))
        checkpoint[_STATE] = {
            "scores": dict(self.scores),
            "validations": self.validations,
            "is_of_validation": self.is_of_validation,
            "best_weights": self.best_weights,
            "generators": gather(trainer, mine),
            # Callbacks and schedulers read the last value of a metric, which may be some epochs old.
            "metrics": dict(trainer.callback_metrics),
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up what `on_save_checkpoint` added."""
        kept = checkpoint.get(_STATE)
        if kept is None:
            return
        self.scores, self.validations = dict(kept["scores"]), kept["validations"]
        self.is_of_validation = kept["is_of_validation"]
        self.best_weights = kept["best_weights"]
        self.kept = kept

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Train no batch behind the stop, although `min_epochs` or `min_steps` has not been reached."""
        self.leave_if_ended()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the fit if the loss is no finite number, or if it shall end before the epoch does."""
        left = self.time_left()
        is_leaving = left is not None and left < self.epoch_takes(trainer, batch_idx + 1)
        broken = self.broken_loss(trainer, outputs)
        if any_rank(trainer, is_leaving or bool(broken)):
            causes = [said for said in gather(trainer, broken) if said]
            self.end(Ending.DIVERGED if causes else Ending.INTERRUPTED, causes[0] if causes else "")
        self.leave_if_ended()

    def broken_loss(self, trainer: Trainer, outputs: Any) -> str:
        """Say of the loss of a batch that it is no finite number; nothing where it is one."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return ""  # manual optimization may return nothing
        # Reading a number off an accelerator waits for it; a step later it is there anyway.
        is_ready = loss.device.type == "cpu"
        due, self.pending_loss = (loss, None) if is_ready else (self.pending_loss, loss.detach())
        if due is None or math.isfinite(mean := float(due.mean())):
            return ""
        return f"the training loss was {mean} at step {trainer.global_step}"

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
        """Note when a validation begins, and which value of the metric is older."""
        self.validation_began = time.monotonic()
        self.metric.open()

    def on_validation_batch_end(self, trainer: Trainer, *_: Any, **__: Any) -> None:
        """End the fit if it shall have ended by now; several ranks may differ in how many batches they have."""
        left = self.time_left()
        if left is not None and (left <= 0 or self.task.checkpoint is None) and trainer.world_size == 1:
            self.end(Ending.INTERRUPTED)
            self.leave_if_ended()

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
        if score is None:
            return
        if self.scores and not self.is_of_validation:
            raise MetricNotLogged(
                f"The metric {self.task.metric!r} is logged by {type(pl_module).__name__} in training and in "
                "validation, and was taken from training so far; log the two under two names."
            )
        self.is_of_validation = True
        self.take_score(trainer, pl_module, max(self.validations, self.next_number()), score)
        # What has begun is closed as Lightning closes it for any callback that stops a fit.
        trainer.should_stop |= self.ending is not None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wait for the score of the epoch, which the module itself may log after this; close no broken epoch."""
        if self.ending in {Ending.INTERRUPTED, Ending.DIVERGED}:
            raise StopIteration
        self.metric.open()
        self.is_closing = self.ending is None

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of the last epoch."""
        self.score_epoch(trainer, pl_module)

    def score_epoch(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of an epoch that has ended, if the metric is logged in training.

        Raises:
            MetricNotLogged: the metric was logged neither in the first epoch nor in the first validation.
        """
        if not self.is_closing or self.ending is not None:
            return
        self.is_closing = False
        if self.is_of_validation:
            return
        score = mean_score(trainer, self.metric.close())
        if score is not None:
            self.take_score(trainer, pl_module, max(self.validations, self.next_number()), score)
        elif not self.scores and (self.validations or not trainer.enable_validation):
            raise MetricNotLogged(self.metric.why_missing(pl_module, barebones=trainer.barebones))

    def next_number(self) -> int:
        """Give the smallest number that the next score may have."""
        return max(self.scores, default=0) + 1

    def take_score(self, trainer: Trainer, pl_module: LightningModule, number: int, score: float) -> None:
        """Refuse a score that shows divergence, and report any other."""
        if cause := self.divergence(score, number):
            self.end(Ending.DIVERGED, cause)
            return
        if self.wants_weights(score):
            self.best_weights = validated_weights(trainer, pl_module, self.averaging)
        self.scores[number] = score
        stop = self.report(number, score) if trainer.is_global_zero else False
        if trainer.strategy.broadcast(stop):
            self.end(Ending.STOPPED)

    def wants_weights(self, score: float) -> bool:
        """Say whether the weights of this moment would be the ones to keep."""
        if self.task.keep is None or self.task.score == "last":
            return False
        best = self.task.score_of([*self.scores.values()])
        return best is None or self.task.is_better(score, best)

    def divergence(self, score: float, number: int) -> str:
        """Say of a score that it is no finite number or beyond the study's own bound; nothing if it is fine."""
        place, bound = f"at validation {number}", self.task.diverged_beyond
        if not math.isfinite(score):
            return f"{self.task.metric} was {score} {place}"
        if bound is not None and self.task.is_better(bound, score):
            return f"{self.task.metric} was {score:.6g} {place}, beyond {bound:.6g}"
        return ""


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
