"""Trainings on several devices: how many processes they take, and what each of them is told.

Lightning would start them itself: by running the command line again for `ddp`, or by processes whose scores
nobody hears for `ddp_spawn` and `ddp_fork`. Here they are started beforehand, as torchrun would, so that one
trial stays one trial.
"""

import os
from collections.abc import Mapping
from typing import Any

_OWN_LAUNCHERS = ("_spawn", "_fork", "_notebook")  # of a strategy's name
_ONE = ("auto", None, 1, "1")  # ways to name one device, or none


def for_ranks(configuration: Mapping[str, Any], ranks: int) -> dict[str, Any]:
    """Give the same configuration for processes that have been started: its strategy shall start none."""
    trainer = dict(configuration.get("trainer") or {})
    strategy = trainer.get("strategy", "auto")
    if ranks > 1 and isinstance(strategy, str):
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
    if trainer.get("devices", "auto") not in _ONE:
        trainer |= {"devices": 1, "strategy": "auto"}
    return {**configuration, "trainer": trainer}
