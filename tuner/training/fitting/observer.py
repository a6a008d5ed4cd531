"""Watching a fit from inside: a loss that is no number, a stop that is asked for, a state to go on from."""

import importlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.training.assignment import PARAMETERS, Assignment
from tuner.training.configuration.class_paths import package_of
from tuner.training.ends import Ending
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.fitting.scoring import Report, Scoring
from tuner.training.logs.csv_rows import Row, put_back
from tuner.training.logs.loggers import place_callbacks
from tuner.training.logs.tensorboard_rows import hide_from
from tuner.training.process.together import any_rank, gather
from tuner.training.resuming.checkpoints import Unstored, save
from tuner.training.resuming.exactness import NOT_PICKLED, announced, why_unsaved, why_unstored
from tuner.training.resuming.resumption import EpochState, can_be_kept, put_rates, remove_later_files

Resumed = Callable[[Mapping[int, float]], None]  # the scores of an earlier fit, by their validations
TimeLeft = Callable[[], float | None]  # seconds within which the fit shall end; None where nobody asks

_STATE = "tuner"  # key of a checkpoint


class Observer(Scoring):
    """Hooks of a Lightning callback that watch one fit; they have to run before those of other callbacks.

    The state of the training is kept as an epoch begins, when everything that belongs to the epoch before
    has been done: schedulers have stepped, and other callbacks have had their say.
    """

    def __init__(
        self,
        assignment: Assignment,
        report: Report,
        resumed: Resumed,
        time_left: TimeLeft,
        sized: Callable[[EpochSize], None] = lambda _: None,
    ) -> None:
        callbacks = importlib.import_module(f"{package_of(assignment.configuration)}.callbacks")
        super().__init__(assignment, report, sized, callbacks.WeightAveraging)
        self.resumed = resumed
        self.time_left = time_left
        self.pending_loss: Tensor | None = None
        self.kept: dict[str, Any] | None = None  # the state of an earlier fit, to go on with
        self.state = EpochState()
        self.rows: list[list[Row]] = []  # that loggers had written before this fit
        self.is_saving = False
        self.unsaved = ""  # why the state of this training cannot be saved
        self.on_sigterm = signal.getsignal(signal.SIGTERM)
        self.saved_at = self.epoch_began = time.monotonic()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Note what users' objects hold before the fit changes it, and place what the module has made."""
        if self.assignment.place is not None:
            place_callbacks(trainer.checkpoint_callbacks, self.assignment.place)
        self.state.begin(trainer, pl_module)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give users' objects what they held, before loaders are made."""
        if self.kept is not None:
            self.state.prepare(trainer, pl_module, self.kept["state"])

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning."""
        self.take_signals_back()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take SIGTERM back from Lightning, follow the metrics, and tell what an epoch is."""
        self.take_signals_back()
        self.tell_size(trainer, by_epochs=bool(self.scores) and not self.is_of_validation)
        self.metric.follow(trainer)
        self.beside.begin(trainer, pl_module)
        if cause := self.assignment.refuses(self.beside.values.get(PARAMETERS)):
            self.end(Ending.INFEASIBLE, cause)
        if self.kept is not None and trainer.is_global_zero:
            self.restore_files(trainer, self.kept["state"])

    def restore_files(self, trainer: Trainer, kept: Mapping[str, Any]) -> None:
        """Let files hold what they held when the state was taken."""
        remove_later_files(trainer, kept)
        for logger, rows, count in zip(trainer.loggers, self.rows, kept["rows"], strict=False):
            put_back(logger, rows[:count])
        for logger in trainer.loggers:
            hide_from(logger, trainer)

    def take_signals_back(self) -> None:
        """Undo that Lightning ends a fit on SIGTERM: whoever began the fit asks for an end by `time_left`."""
        if self.on_sigterm is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.on_sigterm)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on where an earlier fit was left, or keep the state of this one."""
        if self.kept is not None:
            self.go_on(trainer, pl_module, self.kept)
        else:
            self.score_epoch(trainer, pl_module)
            if self.ending is None:
                self.keep_state(trainer)
        self.leave_if_ended()
        self.epoch_began = time.monotonic()
        self.beside.begin_epoch()

    def go_on(self, trainer: Trainer, pl_module: LightningModule, kept: Mapping[str, Any]) -> None:
        """Begin the epoch as the fit would have begun it whose state was loaded."""
        self.state.put(trainer, pl_module, kept["state"])
        if trainer.is_global_zero:
            self.resumed(self.scores)

    def keep_state(self, trainer: Trainer) -> None:
        """Save a checkpoint where one is due, and end the fit if it is asked to."""
        is_leaving = self.time_left() is not None
        is_due = time.monotonic() - self.saved_at >= self.assignment.every
        is_leaving, is_due = trainer.strategy.broadcast((is_leaving, is_due))
        is_due, is_kept = is_due or is_leaving or self.is_pausing, False
        if self.assignment.checkpoint is not None and is_due and can_be_kept(trainer):
            self.is_saving = True
            try:
                save(trainer, self.assignment.checkpoint, self.assignment.owner)
                self.unsaved, is_kept = "", True
            except Unstored as error:  # the next one may be, and the training is worth more than its copy
                self.unsaved = why_unstored(error)
                sys.stderr.write(f"{announced(self.unsaved)}\n")
            except NOT_PICKLED as error:
                if trainer.world_size > 1:  # the other ranks wait for this one
                    raise
                self.unsaved = why_unsaved(error)
            self.is_saving = False
            self.saved_at = time.monotonic()
        if self.is_pausing and trainer.strategy.broadcast(is_kept):
            self.end(Ending.PAUSED)  # else it goes on, as nobody could take it up
        self.is_pausing = False
        if is_leaving:
            self.end(Ending.INTERRUPTED)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add what Lightning leaves out; a checkpoint that the user's own callback writes stays as it is."""
        if not self.is_saving:
            return
        checkpoint[_STATE] = {
            "scores": dict(self.scores),
            "validations": self.validations,
            "is_of_validation": self.is_of_validation,
            "best_weights": self.best_weights,
            "beside": self.beside.state(),
            "state": self.state.take(trainer, pl_module),
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
        self.beside.load(kept["beside"])
        self.kept = kept

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Train no batch behind the stop, although `min_epochs` or `min_steps` has not been reached."""
        if self.kept is not None:
            put_rates(trainer, self.kept["state"])
            self.kept = None
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
        if self.assignment.checkpoint is None:
            return math.inf  # nothing would come of waiting
        total = trainer.num_training_batches
        if not math.isfinite(total):
            return 0.0
        return (time.monotonic() - self.epoch_began) / done * (total - done) + self.validation_seconds

    def on_validation_batch_end(self, trainer: Trainer, *_: Any, **__: Any) -> None:
        """End the fit if it shall have ended by now; ranks may differ in how many batches they have."""
        left = self.time_left()
        if left is not None and (left <= 0 or self.assignment.checkpoint is None) and trainer.world_size == 1:
            self.end(Ending.INTERRUPTED)
            self.leave_if_ended()


def observer_class(package: str) -> Callable[..., Any]:
    """Give `Observer` as a callback of the Lightning that `package` names; each accepts only its own."""
    return type("FitObserver", (Observer, importlib.import_module(package).Callback), {})
