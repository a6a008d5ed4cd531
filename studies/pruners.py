"""The pruner that a study has where its file names none."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner

REDUCTION = 3  # a third of the trials that reach a rung go on
FIRST_RUNG = 9  # the first rung stands at a ninth of the validations, behind any usual warm-up


def default_pruner(fixed: Mapping[str, Any]) -> BasePruner:
    """Give asynchronous successive halving (Li et al. 2020) with rungs at a ninth and a third of the validations.

    A rung after the first validation, Optuna's default, would stop most trials while their learning rate still warms up. Where
    `trainer.max_epochs` does not say how long a trial is, nothing is pruned.
    """
    trainer = fixed.get("trainer") or {}
    epochs = trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 2:
        return NopPruner()
    every = trainer.get("check_val_every_n_epoch") or 1
    return SuccessiveHalvingPruner(min_resource=max(2, ceil(epochs / every / FIRST_RUNG)), reduction_factor=REDUCTION)
