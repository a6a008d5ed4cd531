"""Going on with a training at the beginning of an epoch, as if it had not been left."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tuner.training.logs.csv_rows import count_rows
from tuner.training.process.together import gather
from tuner.training.resuming.exactness import moved
from tuner.training.resuming.generators import capture, restore
from tuner.training.resuming.own_state import (
    fingerprints,
    generators_of,
    packed,
    put_generators,
    put_values,
    unpacked,
    values_of,
)


class EpochState:
    """What a checkpoint of Lightning, taken as an epoch begins, leaves out.

    The state of the random generators, what users' objects keep for themselves, the last values of metrics
    (callbacks and schedulers read some that are several epochs old), and which files there were.
    """

    def __init__(self) -> None:
        self.at_start: dict[Any, bytes] = {}
        self.moves: list[str] = []  # from one kind of device to another, each a reason

    def begin(self, trainer: Any, module: Any) -> None:
        """Note what users' objects hold as the training begins: what does not change need not be kept."""
        self.at_start = fingerprints(values_of(_roots(trainer, module)))

    def prepare(self, trainer: Any, module: Any, kept: Mapping[str, Any]) -> None:
        """Put back what loaders are made of, before they are."""
        put_values(_roots(trainer, module), _values(trainer, kept))

    def take(self, trainer: Any, module: Any) -> dict[str, Any]:
        """Take the state, of all ranks; each of them has to call."""
        roots = _roots(trainer, module)
        values = values_of(roots)
        changed = {
            path: values[path] for path, now in fingerprints(values).items() if now != self.at_start.get(path)
        }
        mine = {"global": capture(), "own": generators_of(roots), "values": packed(changed)}
        return {
            "ranks": gather(trainer, mine),
            # Lightning loads weights before it makes a module double, which rounds them.
            "weights": {name: value for name, value in module.state_dict().items() if _is_double(value)},
            "gradients": _gradients(trainer, module),
            "rates": _rates(trainer) if _averages(trainer) else [],
            "metrics": dict(trainer.callback_metrics),
            "should_stop": trainer.should_stop,
            "device": _device(trainer),
            "moves": self.moves,
            "files": {str(folder): _names(folder) for folder in _checkpoint_folders(trainer)},
            "rows": [count_rows(logger) for logger in trainer.loggers],
        }

    def put(self, trainer: Any, module: Any, kept: Mapping[str, Any]) -> None:
        """Begin the epoch as the training would have begun it whose state was taken."""
        mine, roots = kept["ranks"][trainer.global_rank], _roots(trainer, module)
        for name, value in kept["weights"].items():
            module.state_dict()[name].copy_(value)
        for name, parameter in module.named_parameters():
            if name in kept["gradients"]:
                parameter.grad = kept["gradients"][name].to(parameter.device)
        restore(mine["global"])
        put_generators(roots, mine["own"])
        put_values(roots, _values(trainer, kept))
        self.moves = [*kept["moves"]]
        if kept.get("device") != _device(trainer):  # an older version did not keep it
            self.moves.append(moved(kept.get("device") or "an unknown device", _device(trainer)))
        trainer.callback_metrics.update(kept["metrics"])
        trainer.should_stop = kept["should_stop"]
        _forget_restart(trainer)


def _values(trainer: Any, kept: Mapping[str, Any]) -> dict[Any, Any]:
    return unpacked(kept["ranks"][trainer.global_rank]["values"], trainer.strategy.root_device)


def _device(trainer: Any) -> str:
    """Name the kind of device, on which the last digits of sums depend."""
    device: torch.device = trainer.strategy.root_device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def put_rates(trainer: Any, kept: Mapping[str, Any]) -> None:
    """Put learning rates back, after callbacks have had their say on the epoch that is resumed.

    Lightning's StochasticWeightAveraging makes its schedule anew, and that changes the rates once more.
    """
    for optimizer, groups in zip(trainer.optimizers, kept["rates"], strict=False):
        for group, values in zip(optimizer.param_groups, groups, strict=True):
            group.update(values)


def _gradients(trainer: Any, module: Any) -> dict[str, Tensor]:
    """Give gradients that the epoch may still use: a module that steps by itself may sum them over epochs.

    The epoch in which StochasticWeightAveraging counts statistics of batch norm ends with a step by gradients
    of the epoch before, also where the averaging has never begun.
    """
    if module.automatic_optimization and not _averagings(trainer):
        return {}
    return {name: found.grad for name, found in module.named_parameters() if found.grad is not None}


def _averagings(trainer: Any) -> list[Any]:
    return [
        callback
        for callback in trainer.callbacks
        if "StochasticWeightAveraging" in {kind.__name__ for kind in type(callback).__mro__}
    ]


def _averages(trainer: Any) -> bool:
    """Say whether a StochasticWeightAveraging has begun."""
    return any(callback.state_dict()["scheduler_state"] is not None for callback in _averagings(trainer))


def _rates(trainer: Any) -> list[list[dict[str, Any]]]:
    return [
        [
            {name: value for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ]
        for optimizer in trainer.optimizers
    ]


def _is_double(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype is torch.float64


def _forget_restart(trainer: Any) -> None:
    """Tell Lightning's loops that nothing is resumed.

    Lightning would take up the order of samples that it drew before the generators were put back; now it
    draws the order of this epoch. The loop of epochs takes no value for `restarting` where `max_steps` is
    set, so it is told as at the end of an epoch.
    """
    loop = trainer.fit_loop
    validation = loop.epoch_loop.val_loop
    loop.epoch_loop.restarting = False
    for part in (loop, loop.epoch_loop, validation):
        part.on_iteration_done()
    if trainer.reload_dataloaders_every_n_epochs:
        # A private name, because nothing else makes the loop ask for its loaders again, which it has done too
        # early: before the generators were put back. A test watches the name.
        validation._last_val_dl_reload_epoch = float("-inf")  # noqa: SLF001


def without_searches(callbacks: list[Any]) -> list[Any]:
    """Leave out Lightning's searches for a batch size or a learning rate: the fit before has made them."""
    return [
        callback
        for callback in callbacks
        if not {"BatchSizeFinder", "LearningRateFinder"} & {kind.__name__ for kind in type(callback).__mro__}
    ]


def can_be_kept(trainer: Any) -> bool:
    """Say whether a training can go on from the epoch that begins.

    Where loaders are made anew every few epochs, it can only where they have been made just now.
    """
    every = trainer.reload_dataloaders_every_n_epochs
    return trainer.current_epoch > 0 and (not every or trainer.current_epoch % every == 0)


def remove_later_files(trainer: Any, kept: Mapping[str, Any]) -> None:
    """Remove the checkpoints that callbacks wrote behind the state: they will be written again."""
    for folder, names in kept["files"].items():
        for name in set(_names(Path(folder))) - set(names):
            (Path(folder) / name).unlink(missing_ok=True)


def _checkpoint_folders(trainer: Any) -> list[Path]:
    folders = [getattr(callback, "dirpath", None) for callback in trainer.checkpoint_callbacks]
    return [Path(folder) for folder in folders if folder and "://" not in str(folder)]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.ckpt"))


def _roots(trainer: Any, module: Any) -> dict[str, Any]:
    own = type(trainer).__module__.partition(".")[0]
    callbacks = {
        f"callback {number}": callback
        for number, callback in enumerate(trainer.callbacks)
        if type(callback).__module__.partition(".")[0] not in {own, "tuner"}
    }
    loaders = {f"loader {number}": loader for number, loader in enumerate(loaders_of(trainer))}
    return {"module": module, "data": trainer.datamodule, **callbacks, **loaders}


def loaders_of(trainer: Any) -> list[Any]:
    """Give every loader of a trainer, those of training first."""
    parts = trainer.train_dataloader, trainer.val_dataloaders
    return [loader for part in parts for loader in _flat(part)]


def _flat(part: Any) -> list[Any]:
    if isinstance(part, Mapping):
        part = list(part.values())
    if isinstance(part, list | tuple):
        return [loader for item in part for loader in _flat(item)]
    return [] if part is None else [part]
