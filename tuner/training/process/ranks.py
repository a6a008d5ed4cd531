"""Trainings on several devices: how many processes they take, and what each of them is told.

Lightning would start them itself: by running the command line again for `ddp`, or by processes whose scores
nobody hears for `ddp_spawn` and `ddp_fork`. Here they are started beforehand, as torchrun would, so that one
trial stays one trial.
"""

import os
from collections.abc import Mapping
from typing import Any

_OWN_LAUNCHERS = ("_spawn", "_fork", "_notebook")  # of a strategy's name
_GPUS = ("auto", "gpu", "cuda")  # accelerators that may be GPUs
_MACHINES = ("auto", None)  # ways to leave the number of devices to the machine


def _leaves_it(trainer: Mapping[str, Any]) -> bool:
    return trainer.get("devices", "auto") in _MACHINES


def for_ranks(configuration: Mapping[str, Any], ranks: int) -> dict[str, Any]:
    """Give the same configuration for processes that have been started: its strategy shall start none.

    A trial whose section names no number of devices trains on one, however many the machine has: Lightning
    would take all GPUs, and start processes of its own for them.
    """
    trainer = dict(configuration.get("trainer") or {})
    strategy = trainer.get("strategy", "auto")
    if ranks > 1 and isinstance(strategy, str):
        for launcher in _OWN_LAUNCHERS:
            strategy = strategy.replace(launcher, "")
        trainer["strategy"] = "ddp" if strategy == "auto" else strategy
    if ranks == 1 and _leaves_it(trainer):
        trainer["devices"] = 1
    return {**configuration, "trainer": trainer}


def alone_among(configuration: Mapping[str, Any], gpus: int) -> str:
    """Say that a trial trains on one of several GPUs, where its section leaves it to the machine.

    Args:
        configuration: LightningCLI's sections.
        gpus: how many this process may use.
    """
    trainer = configuration.get("trainer") or {}
    if gpus <= 1 or not _leaves_it(trainer) or trainer.get("accelerator", "auto") not in _GPUS:
        return ""
    return (
        f"Each trial trains on one of the {gpus} GPUs, since trainer.devices names no number; "
        f"`devices: {gpus}` trains on all of them together."
    )


def is_first_rank() -> bool:
    """Say whether this process is the first of those that train together, before they have joined."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def on_one_device(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for one device, on which to test it or to try it out."""
    trainer = dict(configuration.get("trainer") or {})
    if _leaves_it(trainer):
        trainer["devices"] = 1
    elif trainer["devices"] not in (1, "1"):
        trainer |= {"devices": 1, "strategy": "auto"}
    return {**configuration, "trainer": trainer}
