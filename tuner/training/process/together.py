"""What the ranks of one fit have to decide together, so that they all stop at the same place."""

from typing import Any

import torch
from torch import Tensor


def gather(trainer: Any, mine: object) -> list[Any]:
    """Give what every rank has, in the order of the ranks."""
    if trainer.world_size == 1:
        return [mine]
    everyone: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(everyone, mine)
    return everyone


def any_rank(trainer: Any, mine: bool) -> bool:  # noqa: FBT001 - one word says it
    """Say whether something holds on any of the ranks."""
    if trainer.world_size == 1:
        return mine
    return bool(trainer.strategy.reduce_boolean_decision(mine, all=False))


def mean_score(trainer: Any, value: Tensor | None) -> float | None:
    """Give the mean of what the ranks have; a module that synchronizes its metric has the same on each.

    None where no rank has a value. A metric that only one rank logs is that rank's.
    """
    if trainer.world_size == 1:
        return None if value is None else float(value)
    found: list[float] = [
        score for score in gather(trainer, None if value is None else float(value)) if score is not None
    ]
    if not found:
        return None
    return found[0] if len(set(found)) == 1 else sum(found) / len(found)
