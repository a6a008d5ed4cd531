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
_OF_GPUS = ("accelerator", "devices", "strategy", "precision", "plugins", "sync_batchnorm", "benchmark")
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
        f"--gpus auto gives each worker one of its own, else all take the first; "
        f"`devices: {gpus}` trains on all of them together."
    )


def without_gpu(configuration: Mapping[str, Any], gpus: str | None, count: int) -> str:
    """Say that torch sees none of the GPUs that a trial has, where Lightning would train on the CPU instead.

    Args:
        configuration: LightningCLI's sections.
        gpus: which it has; None where it may see all there are, and none is fine.
        count: how many torch sees.
    """
    trainer = configuration.get("trainer") or {}
    if gpus is None or count or trainer.get("accelerator", "auto") != "auto":
        return ""
    return (
        f"--gpus {gpus}: PyTorch sees no such GPU, so it would train on the CPU; "
        f"look whether `torch.cuda.device_count()` and `nvidia-smi -L` agree, or leave --gpus out."
    )


def is_first_rank() -> bool:
    """Say whether this process is the first of those that train together, before they have joined."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def on_the_cpu(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for a machine that need not have what was trained on."""
    trainer = {
        key: value for key, value in (configuration.get("trainer") or {}).items() if key not in _OF_GPUS
    }
    return {**configuration, "trainer": {**trainer, "accelerator": "cpu", "devices": 1}}


def on_one_device(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for one device, on which to test it or to try it out."""
    trainer = dict(configuration.get("trainer") or {})
    if _leaves_it(trainer):
        trainer["devices"] = 1
    elif trainer["devices"] not in (1, "1"):
        trainer |= {"devices": 1, "strategy": "auto"}
    return {**configuration, "trainer": trainer}
