"""What an attempt has cost in epochs."""

from collections.abc import Mapping
from typing import Any


def epochs_of(fixed: Mapping[str, Any], validations: int) -> float:
    """Give how many epochs a number of validations stand for.

    Args:
        fixed: LightningCLI's sections of the study file; `trainer` says how often it validates.
        validations: how many there were.
    """
    trainer = fixed.get("trainer") or {}
    every = trainer.get("check_val_every_n_epoch") or 1
    interval = trainer.get("val_check_interval")
    # A whole number counts batches, of which nobody here knows how many an epoch has.
    share = interval if isinstance(interval, float) and interval <= 1.0 else 1.0
    return validations * every * share
