"""Watching a fit from inside: scores out, divergence noticed, a stop carried in."""

import importlib
import math
from collections.abc import Callable
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.training.averaging import validated_weights
from tuner.training.class_paths import package_of
from tuner.training.errors import MetricNotLogged
from tuner.training.task import Task

Report = Callable[[int, float], bool]  # (number of the validation, from 1; its score) -> whether to stop


class Stopped(Exception):
    """The report asked for no more epochs."""


class Interrupted(Exception):
    """The worker asked the fit to end now."""


class Diverged(Exception):
    """The training left the numbers; the message says how."""


class Observer:
    """Hooks of a Lightning callback that watch one fit.

    On rank 0 each validation's score is reported; the answer is broadcast, so every rank stops at the same
    place. Steps are counted in validations, because two validations can fall into one epoch.
    """

    def __init__(self, task: Task, report: Report, interrupted: Callable[[], bool]) -> None:
        super().__init__()
        self.scores: list[float] = []
        self.best_weights: dict[str, Tensor] | None = None
        self.task = task
        self.report = report
        self.interrupted = interrupted
        self.pending_loss: Tensor | None = None
        callbacks = importlib.import_module(f"{package_of(task.configuration)}.callbacks")
        self.averaging: type[Any] = callbacks.WeightAveraging

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the fit if the loss is no finite number, or if the worker asks for it."""
        if self.interrupted():
            raise Interrupted
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return  # manual optimization may return nothing
        # Reading a number off an accelerator waits for it; a step later it is there anyway.
        is_ready = loss.device.type == "cpu"
        due, self.pending_loss = (loss, None) if is_ready else (self.pending_loss, loss.detach())
        if due is not None and not math.isfinite(float(due.mean())):
            raise Diverged(f"the training loss was {float(due.mean())} at step {trainer.global_step}")

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """End the fit if the worker asks for it."""
        if self.interrupted():
            raise Interrupted

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of a validation."""
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
        score = float(logged[self.task.metric])
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


def observer_class(package: str) -> Callable[..., Any]:
    """Give `Observer` as a callback of the Lightning that `package` names; each accepts only its own."""
    return type("FitObserver", (Observer, importlib.import_module(package).Callback), {})
