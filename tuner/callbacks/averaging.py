"""Averages of the weights: built up step by step, validated and kept in the place of the last weights."""

from functools import partial
from math import inf
from typing import Any, Literal

from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from tuner.callbacks.optimizer_edits import Module, Trainer
from tuner.errors import IllegalTraining

Kind = Literal["swa", "ema"]

Behind: Any = object  # of any type, because `WeightAveraging` of either Lightning stands behind the hooks


class WeightAverageHooks(Behind):  # type: ignore[misc]
    """Hooks in front of Lightning's `WeightAveraging`, which averages weights but knows no late start.

    The average begins with the weights of the step at the share `start` of all steps and takes in every step
    from there: `swa` all of them alike (Izmailov et al. 2018, though there once an epoch), `ema` with
    `decay = 1 - 1 / (horizon * steps)`, `average = decay * average + (1 - decay) * weights`. Running
    statistics of batch norm are averaged like weights. Validations from then on are of the average, and so
    are the weights when the fit is over; earlier ones are of the weights as they are.

    Args:
        kind: `swa` or `ema`.
        start: share of the steps behind which the average begins, in [0, 1).
        horizon: how far `ema` looks back, as a share of the steps of the fit, positive.

    Raises:
        IllegalTraining: an argument lies outside its range; or, when the fit begins, the trainer has no end
            that steps could be counted to.
    """

    def __init__(self, kind: Kind = "ema", start: float = 0.75, horizon: float = 0.05) -> None:
        super().__init__(multi_avg_fn=self.average)
        if not 0 <= start < 1:
            raise IllegalTraining(
                f"0 <= start < 1 must hold, but got start={start}; name a share of the steps"
            )
        if not horizon > 0:
            raise IllegalTraining(f"horizon > 0 must hold, but got horizon={horizon}; 0.05 is usual")
        self.kind = kind
        self.start = start
        self.horizon = horizon
        self.first: float = inf  # index of the step whose weights begin the average
        self.decay = 0.0

    def average(self, averages: Any, weights: Any, number: Tensor | int) -> None:
        """Take weights into their averages, in place; `number` have been taken in before."""
        if not averages[0].is_floating_point():  # tensors come by their type; a counter has no mean
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)
            return
        make: Any = get_swa_multi_avg_fn if self.kind == "swa" else partial(get_ema_multi_avg_fn, self.decay)
        make()(averages, weights, number)

    def setup(self, trainer: Trainer, pl_module: Module, stage: str) -> None:
        """Keep the average where the weights will be, which are moved there only after this."""
        # A private name, since the device is an argument of the class and known only now; a test watches it.
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)

    def on_train_start(self, trainer: Trainer, pl_module: Module) -> None:
        """Find the step at which the average begins."""
        steps = trainer.estimated_stepping_batches
        if not 1 <= steps < inf:
            raise IllegalTraining(
                f"{type(self).__name__} needs to know the number of steps, but the trainer has no end; set "
                "trainer.max_epochs, or trainer.max_steps if the training data has no length"
            )
        self.first = int(self.start * steps)
        self.decay = 1 - 1 / max(self.horizon * steps, 1.0)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Say whether the weights after a step belong to the average."""
        return step_idx is not None and step_idx >= self.first

    def has_begun(self, trainer: Trainer) -> bool:
        """Say whether there is an average."""
        return trainer.global_step > self.first

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: Module) -> None:
        """Put the average in the place of the weights."""
        if self.has_begun(trainer):
            super().on_validation_epoch_start(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: Module) -> None:
        """Put the weights back."""
        if self.has_begun(trainer):
            super().on_validation_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: Module) -> None:
        """Leave the average as the weights of the fit."""
        if self.has_begun(trainer):
            super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: Module, checkpoint: dict[str, Any]) -> None:
        """Save weights and average while both exist; a checkpoint of a fit that is over holds its weights."""
        if self.has_begun(trainer) and not trainer.state.finished:
            super().on_save_checkpoint(trainer, pl_module, checkpoint)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: Module, checkpoint: dict[str, Any]) -> None:
        """Load both where both were saved, to go on with the fit."""
        if "averaging_state" in checkpoint and trainer.state.fn == "fit":
            super().on_load_checkpoint(trainer, pl_module, checkpoint)


class WeightAverage(WeightAverageHooks, WeightAveraging):  # type: ignore[misc]
    """Average weights, as `WeightAverageHooks` does, under a trainer of `pytorch_lightning`."""


def validated_weights(trainer: Trainer, module: Module, averaging: type[Any]) -> dict[str, Tensor]:
    """Copy the weights that the last validation was of, to the CPU.

    Callbacks of the class `averaging`, Lightning's `WeightAveraging`, have taken their average back by the
    time at which a score is known, so they are asked for it once more.
    """
    callbacks: list[Any] = trainer.callbacks  # type: ignore[union-attr] # documented, but set from outside
    averages = [callback for callback in callbacks if isinstance(callback, averaging)]
    for callback in averages:
        callback.on_validation_epoch_start(trainer, module)
    weights = {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}
    for callback in reversed(averages):
        callback.on_validation_epoch_end(trainer, module)
    return weights
