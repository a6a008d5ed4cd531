"""From values to a configuration: where each chosen value lands in what LightningCLI reads.

The result is made of LightningCLI's own sections. Two things are ours, and both are gone when `configure` returns:
`callbacks`, a mapping of names to callbacks (a target needs a name, a list has none), is folded into `trainer.callbacks`; and a few
arguments that are better searched than the optimizer's own are turned into those (see `_ARGUMENTS`).
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.errors import IllegalSpace
from search_spaces.parameters import parameters
from search_spaces.space import Choice, Group, Value

Configuration = dict[str, Any]


def configure(base: Mapping[str, Any], space: Group, values: Mapping[str, Value]) -> Configuration:
    """Fill a study's fixed configuration with the values of one trial.

    Args:
        base: LightningCLI's sections as the study file gives them.
        space: what varies.
        values: a value of every active parameter, by full name.

    Returns:
        A complete configuration of plain data; `base` is left as it was.
    """
    configuration = copy.deepcopy(dict(base))
    _write_constants(configuration, space)
    for parameter in parameters(space):
        if not parameter.is_active(values):
            continue
        node, value = parameter.node, values[parameter.name]
        key = parameter.target
        if isinstance(node, Choice):
            branch = node.branches[str(value)]
            if branch.class_path is not None:
                # A class takes the whole section: arguments of another class would not fit it.
                _write(configuration, str(node.target), {"class_path": branch.class_path, "init_args": {}})
            elif key is not None and not branch.set:
                _write(configuration, key, value)
            _write_constants(configuration, branch)
        elif key is not None:
            _write(configuration, key, value)
    _derive_arguments(configuration)
    _fold_callbacks(configuration)
    return configuration


def unreachable(space: Group) -> tuple[str, ...]:
    """Name the parameters whose value would go nowhere."""
    return tuple(
        parameter.name
        for parameter in parameters(space)
        if parameter.target is None
        and not (isinstance(parameter.node, Choice) and any(_writes(g) for g in parameter.node.branches.values()))
    )


def _writes(branch: Group) -> bool:
    return bool(branch.set or branch.class_path or branch.children)


def _write_constants(configuration: Configuration, group: Group) -> None:
    for key, value in group.set.items():
        _write(configuration, key, copy.deepcopy(value))


def _write(configuration: Configuration, key: str, value: Any) -> None:
    *path, last = key.split(".")
    place = configuration
    for part in path:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            raise IllegalSpace(f"{key} cannot be filled: the configuration holds {inside!r} at {part!r}, not a mapping.")
        place = inside
    place[last] = value


def _fold_callbacks(configuration: Configuration) -> None:
    named = configuration.pop("callbacks", {})
    if not named:
        return
    trainer = configuration.setdefault("trainer", {})
    listed = trainer.get("callbacks") or []
    trainer["callbacks"] = [*(listed if isinstance(listed, list) else [listed]), *named.values()]


def _derive_arguments(configuration: Configuration) -> None:
    section = configuration.get("optimizer")
    arguments = section.get("init_args") if isinstance(section, dict) else None
    if not isinstance(arguments, dict):
        return
    for searched, derive in _ARGUMENTS.items():
        if all(name in arguments for name in searched):
            derive(arguments, *(arguments.pop(name) for name in searched))


def _momentum_and_lr(arguments: dict[str, Any], lr_effective: float, one_minus_momentum: float) -> None:
    # A step of SGD with momentum m moves by lr / (1 - m) in the long run: that product, not lr, has a stable optimum.
    arguments["lr"] = lr_effective * one_minus_momentum
    arguments["momentum"] = 1.0 - one_minus_momentum
    if arguments["momentum"] == 0.0 and arguments.get("nesterov"):
        arguments["nesterov"] = False  # torch refuses Nesterov's step without momentum, where both are plain SGD


def _momentum(arguments: dict[str, Any], one_minus_momentum: float) -> None:
    arguments["momentum"] = 1.0 - one_minus_momentum


def _betas(arguments: dict[str, Any], one_minus_beta1: float, one_minus_beta2: float = 1e-3) -> None:
    arguments["betas"] = [1.0 - one_minus_beta1, 1.0 - one_minus_beta2]


_ARGUMENTS: Mapping[tuple[str, ...], Callable[..., None]] = {
    # what is searched -> how the optimizer's own arguments follow from it; the longer key is tried first
    ("lr_effective", "one_minus_momentum"): _momentum_and_lr,
    ("one_minus_momentum",): _momentum,
    ("one_minus_beta1", "one_minus_beta2"): _betas,
    ("one_minus_beta1",): _betas,
}
