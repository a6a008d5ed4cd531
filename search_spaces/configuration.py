"""From values to a configuration: where each chosen value lands in what LightningCLI reads.

The result is made of LightningCLI's own sections. Three things are ours, and all are gone when `configure`
returns: a reference such as `${model.init_args.width}` becomes what that key holds; `callbacks`, a mapping of
names to callbacks (a target needs a name, a list has none), is folded into `trainer.callbacks`; and a few
arguments that are better searched than the optimizer's own are turned into those (see `_ARGUMENTS`).
"""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.errors import IllegalSpace
from search_spaces.space.nodes import Choice, Group, Value
from search_spaces.space.parameters import Parameter, options, parameters

Configuration = dict[str, Any]

_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*(?:\.\w+)*)\}")
_DEEPEST = 8  # references that refer to references
_MOST = 1000  # references of a configuration, those counted that are reached by others
_LONGEST = 10_000  # characters of a text that holds references


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
    writes = list(space.set.items())
    for parameter in parameters(space):
        if parameter.is_active(values):
            writes += _writes(parameter, values[parameter.name])
    # A class takes its whole section, for another class's arguments would not fit it: sections before what
    # lies inside.
    for key, value in sorted(writes, key=lambda write: write[0].count(".")):
        _write(configuration, key, copy.deepcopy(value))
    _derive_arguments(configuration)
    _fold_callbacks(configuration)
    resolved: Configuration = _References(configuration).resolved(configuration)
    return resolved


def unreachable(space: Group) -> tuple[str, ...]:
    """Name the parameters whose value changes nothing: neither the configuration nor what else exists."""
    listed = parameters(space)
    conditions = {name for parameter in listed for name in parameter.conditions}
    return tuple(
        parameter.name
        for parameter in listed
        if parameter.name not in conditions
        and not any(_writes(parameter, value) for value in options(parameter.node) or (0,))
    )


def _writes(parameter: Parameter, value: Value) -> list[tuple[str, Any]]:
    """List the keys that a parameter fills by its value, and with what."""
    node = parameter.node
    if not isinstance(node, Choice):
        return [] if parameter.target is None else [(parameter.target, value)]
    branch = node.branches[str(value)]
    if branch.class_path is not None:
        return [(str(node.target), {"class_path": branch.class_path, "init_args": {}}), *branch.set.items()]
    if branch.set or parameter.target is None:
        return list(branch.set.items())
    return [(parameter.target, value)]


def _write(configuration: Configuration, key: str, value: object) -> None:
    *path, last = key.split(".")
    place = configuration
    for part in path:
        if place.get(part) is None:  # `trainer:` without anything is an empty section
            place[part] = {}
        inside = place[part]
        if not isinstance(inside, dict):
            raise IllegalSpace(
                f"{key} cannot be filled: the configuration holds {inside!r} at {part!r}, where a "
                "mapping must be; "
                f"write `class_path` and `init_args` there, or take the parameter out."
            )
        place = inside
    place[last] = value


class _References:
    """Puts what a key of a configuration holds in the place of each reference to it.

    A configuration may come from a database that anyone may write to, so neither depth, number nor length is
    without a bound.
    """

    def __init__(self, whole: Configuration) -> None:
        self._whole, self._count = whole, 0

    def resolved(self, part: Any, key: str = "", depth: int = 0) -> Any:
        """Resolve a part of the configuration; a text of another kind stays as it is.

        Raises:
            IllegalSpace: the configuration holds nothing at a key, or references lead back to themselves.
        """
        if isinstance(part, dict):
            return {
                name: self.resolved(value, f"{key}.{name}".lstrip("."), depth) for name, value in part.items()
            }
        if isinstance(part, list):
            return [self.resolved(value, key, depth) for value in part]
        if not isinstance(part, str) or "${" not in part:
            return part
        if depth > _DEEPEST:
            raise IllegalSpace(f"{key} refers to {part}, which leads back to itself; write the value there.")
        if alone := _REFERENCE.fullmatch(part):
            return self._held(alone, key, depth)
        text = _REFERENCE.sub(lambda reference: str(self._held(reference, key, depth)), part)
        if len(text) > _LONGEST:
            raise IllegalSpace(f"{key} becomes a text of {len(text):,} characters; write fewer references.")
        return text

    def _held(self, reference: re.Match[str], key: str, depth: int) -> Any:
        place: Any = self._whole
        path = reference[1].split(".")
        if path[0] not in self._whole:
            return reference[0]
        self._count += 1
        if self._count > _MOST:
            raise IllegalSpace(f"{key} and others refer to more than {_MOST} keys; write values there.")
        for name in path:
            if not isinstance(place, dict) or name not in place:
                raise IllegalSpace(
                    f"{key} refers to {reference[0]}, and the configuration holds nothing there; "
                    f"write a value at {reference[1]}."
                )
            place = place[name]
        return self.resolved(place, key, depth + 1)


def _fold_callbacks(configuration: Configuration) -> None:
    named = configuration.pop("callbacks", None)
    if not named:
        return
    listed = (configuration.get("trainer") or {}).get("callbacks") or []
    every = [*(listed if isinstance(listed, list) else [listed]), *named.values()]
    _write(configuration, "trainer.callbacks", every)


def _derive_arguments(configuration: Configuration) -> None:
    section = configuration.get("optimizer")
    arguments = section.get("init_args") if isinstance(section, dict) else None
    if not isinstance(arguments, dict):
        return
    for searched, derive in _ARGUMENTS.items():
        if all(name in arguments for name in searched):
            derive(arguments, *(arguments.pop(name) for name in searched))


def _momentum_and_lr(arguments: dict[str, Any], lr_effective: float, one_minus_momentum: float) -> None:
    # A step of SGD with momentum m moves by lr / (1 - m) in the long run: that product, not lr, has a stable
    # optimum.
    arguments["lr"] = lr_effective * one_minus_momentum
    arguments["momentum"] = 1.0 - one_minus_momentum
    if arguments["momentum"] == 0.0 and arguments.get("nesterov"):
        arguments["nesterov"] = (
            False  # torch refuses Nesterov's step without momentum, where both are plain SGD
        )


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
