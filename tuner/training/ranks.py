"""Trainings on several devices: how many processes they take, and what each of them is told.

Lightning would start them itself: by running the command line again for `ddp`, or by processes whose scores
nobody hears for `ddp_spawn` and `ddp_fork`. Here they are started beforehand, as torchrun would, so that one
trial stays one trial.
"""

import os
from collections.abc import Mapping
from typing import Any

from tuner.training.errors import BadConfiguration

_OWN_LAUNCHERS = ("_spawn", "_fork", "_notebook")  # of a strategy's name


def ranks_of(configuration: Mapping[str, Any]) -> int:
    """Count the processes that a configuration trains in.

    Raises:
        BadConfiguration: it trains on several machines, or on a number of devices that it does not say.
    """
    trainer = configuration.get("trainer") or {}
    strategy, devices = trainer.get("strategy", "auto"), trainer.get("devices", "auto")
    if trainer.get("num_nodes") not in {None, 1}:
        raise BadConfiguration("trainer.num_nodes", "must be 1: a trial trains on one machine.")
    if isinstance(devices, list):
        return len(devices)
    if isinstance(devices, int) and devices > 0:
        return devices
    if isinstance(strategy, str) and strategy.startswith("ddp"):
        raise BadConfiguration(
            "trainer.devices", f"must say how many devices {strategy} trains on, but got {devices!r}."
        )
    return 1


def for_ranks(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for processes that have been started: its strategy shall start none."""
    trainer = dict(configuration.get("trainer") or {})
    strategy = trainer.get("strategy", "auto")
    if ranks_of(configuration) > 1 and isinstance(strategy, str):
        for launcher in _OWN_LAUNCHERS:
            strategy = strategy.replace(launcher, "")
        trainer["strategy"] = "ddp" if strategy == "auto" else strategy
    return {**configuration, "trainer": trainer}


def is_first_rank() -> bool:
    """Say whether this process is the first of those that train together, before they have joined."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def on_one_device(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for one device, on which to test it or to try it out."""
    trainer = dict(configuration.get("trainer") or {})
    if ranks_of(configuration) > 1:
        trainer |= {"devices": 1, "strategy": "auto"}
    return {**configuration, "trainer": trainer}
