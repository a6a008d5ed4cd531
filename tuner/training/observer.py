"""Watching a fit from inside: scores out, divergence noticed, a stop carried in."""

import importlib
import math
from collections.abc import Callable
from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from tuner.training.errors import MetricNotLogged

Report = Callable[[int, float], bool]  # (number of the validation, from 1; its score) -> whether to stop


class Stopped(Exception):  # noqa: N818 - not an error
    """The report asked for no more epochs."""


class Interrupted(Exception):  # noqa: N818 - not an error
    """The worker asked the fit to end now."""


class Diverged(Exception):  # noqa: N818 - not an error
    """The training left the numbers; the message says how."""


class Observer:
    """Hooks of a Lightning callback that watch one fit.

    On rank 0 each validation's score is reported; the answer is broadcast, so every rank stops at the same place. Steps are counted in
    validations, because two validations can fall into one epoch.
    """

    def __init__(
        self,
        metric: str,
        *,
        minimizes: bool,
        diverged_beyond: float | None,
        report: Report,
        interrupted: Callable[[], bool],
        keep_weights: bool,
    ) -> None:
        """Watch `metric`; keep a copy of the weights at its best value if `keep_weights`."""
        self.metric = metric
        self.scores: list[float] = []
        self.best_weights: dict[str, Tensor] | None = None
        self._minimizes = minimizes
        self._bound = diverged_beyond
        self._report = report
        self._interrupted = interrupted
        self._keep = keep_weights
        self._pending: Tensor | None = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End the fit if the loss is no finite number, or if the worker asks for it."""
        if self._interrupted():
            raise Interrupted
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if not isinstance(loss, Tensor):
            return  # manual optimization may return nothing
        # Reading a number off an accelerator waits for it; a step later it is there anyway.
        due, self._pending = (loss, None) if loss.device.type == "cpu" else (self._pending, loss.detach())
        if due is not None and not math.isfinite(float(due.mean())):
            raise Diverged(f"the training loss was {float(due.mean())} at step {trainer.global_step}")

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """End the fit if the worker asks for it."""
        if self._interrupted():
            raise Interrupted

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of a validation."""
        if not trainer.sanity_checking:
            self._take_score(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the score of an epoch where nothing is validated."""
        if not trainer.enable_validation:
            self._take_score(trainer, pl_module)

    def _take_score(self, trainer: Trainer, pl_module: LightningModule) -> None:
        logged = trainer.callback_metrics
        if self.metric not in logged:
            names = ", ".join(sorted(logged)) or "nothing"
            raise MetricNotLogged(
                f"The metric {self.metric!r} is not logged by {type(pl_module).__name__} in validation, which logs {names}; "
                f"set study.metric to one of them, or log it with self.log."
            )
        score = float(logged[self.metric])
        self._refuse_divergence(score)
        if self._keep and (not self.scores or self._is_better(score)):
            self.best_weights = {
                name: value.detach().cpu().clone() for name, value in pl_module.state_dict().items()
            }
        self.scores.append(score)
        stop = self._report(len(self.scores), score) if trainer.is_global_zero else False
        if trainer.strategy.broadcast(stop):
            raise Stopped

    def _is_better(self, score: float) -> bool:
        return score < min(self.scores) if self._minimizes else score > max(self.scores)

    def _refuse_divergence(self, score: float) -> None:
        if not math.isfinite(score):
            raise Diverged(f"{self.metric} was {score} at validation {len(self.scores) + 1}")
        beyond = self._bound is not None and (score > self._bound if self._minimizes else score < self._bound)
        if beyond:
            raise Diverged(
                f"{self.metric} was {score:.6g} at validation {len(self.scores) + 1}, beyond {self._bound:.6g}"
            )


def observer_class(package: str) -> type[Observer]:
    """Give `Observer` as a callback of the Lightning that `package` names, since each accepts only its own."""
    return type("FitObserver", (Observer, importlib.import_module(package).Callback), {})
