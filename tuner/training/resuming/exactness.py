"""Why a trial that is interrupted and resumed may end otherwise than one that is not, in words.

Everything else is resumed to the last bit; `resumption` says how.
"""

import pickle
from collections.abc import Iterable, Mapping
from typing import Any

from tuner.training.configuration.refusals import told

INEXACT = "inexact"  # attribute of a trial: the reasons

NOT_PICKLED = (pickle.PicklingError, TypeError, AttributeError)  # what pickle raises

_CLOCKS = ("trainer.max_time ends a trial by the clock", "Timer ends a trial by the clock")
_BY_CLASS = {
    "ModelPruning": "ModelPruning makes its masks permanent in a checkpoint",
    "Timer": _CLOCKS[1],
}


def reasons_of_configuration(configuration: Mapping[str, Any]) -> list[str]:
    """Give the reasons that a configuration shows, one sentence without a full stop each.

    Args:
        configuration: LightningCLI's sections.
    """
    trainer = configuration.get("trainer") or {}
    found = []
    if trainer.get("max_time") is not None:
        found.append(_CLOCKS[0])
    if isinstance(trainer.get("val_check_interval"), str | Mapping):
        found.append("trainer.val_check_interval validates by the clock")
    if trainer.get("benchmark") is True and trainer.get("accelerator") != "cpu":
        found.append("trainer.benchmark chooses among the kernels of a GPU by the clock")
    every, checks = trainer.get("reload_dataloaders_every_n_epochs") or 0, "check_val_every_n_epoch"
    if every > 1 and trainer.get(checks, 1) != 1:
        found.append(
            f"trainer.reload_dataloaders_every_n_epochs: {every} with {checks} makes loaders at other times"
        )
    callbacks = trainer.get("callbacks") or []
    for part in callbacks if isinstance(callbacks, list) else [callbacks]:
        path = str(part.get("class_path")) if isinstance(part, Mapping) else str(part)
        found += filter(None, [_BY_CLASS.get(path.rpartition(".")[2])])
    return found


def reasons_of_training(configuration: Mapping[str, Any], trainer: Any) -> list[str]:
    """Give the reasons that a training shows which has ended: a clock counts only where it has ended it."""
    from tuner.training.resuming.resumption import loaders_of

    found = [reason for reason in reasons_of_configuration(configuration) if reason not in _CLOCKS]
    timers = [callback for callback in trainer.callbacks if hasattr(callback, "time_remaining")]
    left = [timer.time_remaining() for timer in timers]
    if any(seconds is not None and seconds <= 0 for seconds in left):
        found.append(_CLOCKS[0])
    return found + _reasons_of_device(trainer) + reasons_of_loaders(loaders_of(trainer))


def reasons_beforehand(configuration: Mapping[str, Any], trainer: Any) -> list[str]:
    """Give the reasons that a rehearsal shows: of the configuration, and of the loaders that it made."""
    from tuner.training.resuming.resumption import loaders_of

    found = reasons_of_configuration(configuration) + _reasons_of_device(trainer)
    return found + reasons_of_loaders(loaders_of(trainer))


def _reasons_of_device(trainer: Any) -> list[str]:
    """Give the reason of a GPU: some kernels add up in the order in which their threads happen to come."""
    import torch

    is_strict = torch.are_deterministic_algorithms_enabled()
    is_strict = is_strict and not torch.is_deterministic_algorithms_warn_only_enabled()
    if is_strict or trainer.strategy.root_device.type == "cpu":
        return []
    return ["on a GPU only trainer.deterministic: true adds up in the same order each time"]


def moved(before: str, after: str) -> str:
    """Give the reason of a training that was left on one kind of device and went on on another.

    Args:
        before: the name of the one, such as `cpu` or what CUDA calls a GPU.
        after: the name of the other.
    """
    return f"it was left on {before} and went on on {after}"


def why_unsaved(error: Exception) -> str:
    """Give the reason that an error of `NOT_PICKLED` shows, which the module or a callback has caused."""
    return f"the state of the training cannot be saved ({told(error)}), so the trial would begin anew"


def why_unstored(error: Exception) -> str:
    """Give the reason that an error of writing shows, of the last state that was to be kept."""
    return (
        f"the last state of the training could not be stored ({error}), so less of it could be gone on from"
    )


def announced(reason: str) -> str:
    """Say in a sentence that a trial cannot be resumed to the last bit."""
    return f"A trial that is interrupted may end otherwise than one that is not: {reason}."


def reasons_of_loaders(loaders: Iterable[Any]) -> list[str]:
    """Give the reasons that the loaders of a training show, once its data have been made."""
    persistent = any(
        getattr(loader, "persistent_workers", False) and getattr(loader, "num_workers", 0)
        for loader in loaders
    )
    return ["persistent_workers keep the generators of a data loader's processes"] if persistent else []
