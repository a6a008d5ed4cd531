"""What only the data and the module can tell of a trial's length, by the trainer's own numbers."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a worker that hears of it needs no Lightning
    from pytorch_lightning import Trainer


@dataclass(frozen=True)
class EpochSize:
    """What an epoch of a training is.

    `batches` are those of an epoch on each rank, None where the data have no length. `interval` is how many
    batches lie between two validations, None where one is made at the end of an epoch or by the clock.
    `validates` says that there are validations, and that they give the scores. `accumulated` are the batches
    of an optimizer's step, None where they change, or where the module steps by itself. `devices` are those
    that train together.
    """

    batches: int | None
    interval: int | None
    validates: bool
    accumulated: int | None
    devices: int


def epoch_size(trainer: "Trainer") -> EpochSize:
    """Tell what an epoch is, of a training that has just begun."""
    batches, interval = trainer.num_training_batches, trainer.val_check_batch
    changes = any(
        type(callback).__name__ == "GradientAccumulationScheduler" for callback in _callbacks(trainer)
    )
    is_automatic = trainer.lightning_module.automatic_optimization
    return EpochSize(
        batches=int(batches) if math.isfinite(batches) else None,
        interval=int(interval) if interval is not None and math.isfinite(interval) else None,
        validates=trainer.enable_validation and sum(trainer.num_val_batches) > 0,
        accumulated=trainer.accumulate_grad_batches if is_automatic and not changes else None,
        devices=trainer.world_size,
    )


def _callbacks(trainer: "Trainer") -> list[object]:
    callbacks: list[object] = trainer.callbacks  # type: ignore[attr-defined] # documented, but set from outside
    return callbacks
