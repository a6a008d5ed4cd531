"""A space as plain data and back: what a study file holds, and what the ledger keeps.

Written as data a space looks like the configuration it varies:

    optimizer:
      target: optimizer
      choices:
        adamw: {class_path: torch.optim.AdamW, lr: {low: 1e-4, high: 1e-1, log: true}}
    norm.placement: {choices: [pre, post], when: {norm: [batch]}}
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from search_spaces.errors import IllegalSpace
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Prior
from search_spaces.space.parameters import parameters

_Built = TypeVar("_Built")

_COMMON = ("when", "target", "unit", "why", "source", "default")
_SHOWN_LENGTH = 80  # characters of a wrong value that a message repeats


def to_data(space: Group) -> dict[str, Any]:
    """Write a space as nested dictionaries of strings, numbers, booleans and lists."""
    data: dict[str, Any] = {}
    if space.class_path is not None:
        data["class_path"] = space.class_path
    if space.set:
        data["set"] = dict(space.set)
    return data | {name: _node_to_data(node) for name, node in space.children.items()}


def _node_to_data(node: Node) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for part in fields(node):
        value = getattr(node, part.name)
        if part.name == "branches":
            data["choices"] = {name: to_data(branch) for name, branch in value.items()}
        elif part.name == "choices":
            data["choices"] = list(value)
        elif part.name == "when":
            if value:
                data["when"] = {name: list(allowed) for name, allowed in value.items()}
        elif isinstance(value, Prior):
            data["prior"] = {"centre": value.centre, "width": value.width}
        elif value != part.default:
            data[part.name] = value
    if isinstance(node, Float | Int):
        data["type"] = "int" if isinstance(node, Int) else "float"
    return data


def from_data(data: Mapping[str, Any]) -> Group:
    """Read a whole space.

    Raises:
        IllegalSpace: the data is no space; the message names the parameter and what to write.
    """
    space = group_from_data(data, path="")
    parameters(space)
    return space


def group_from_data(data: object, *, path: str) -> Group:
    """Read the group that lies at `path`."""
    if not isinstance(data, Mapping):
        raise IllegalSpace(f"{path or 'A space'} must be a mapping of names to parameters, but got {data!r}.")
    constants = data.get("set", {})
    if not isinstance(constants, Mapping):
        raise IllegalSpace(f"{path}.set must map configuration keys to values, but got {constants!r}.")
    class_path = data.get("class_path")
    if class_path is not None and not isinstance(class_path, str):
        raise IllegalSpace(f"{path}.class_path must be the import path of a class, but got {class_path!r}.")
    children = {
        name: node_from_data(child, path=f"{path}.{name}" if path else str(name))
        for name, child in data.items()
        if name not in ("set", "class_path")
    }
    return _at(path, lambda: Group(children, set=dict(constants), class_path=class_path))


def is_node(data: object) -> bool:
    """Say whether data describes a parameter, as opposed to a branch."""
    return isinstance(data, Mapping) and (
        "choices" in data or any(not isinstance(data.get(bound, {}), Mapping) for bound in ("low", "high"))
    )


def node_from_data(data: object, *, path: str) -> Node:
    """Read the node that lies at `path`.

    Raises:
        IllegalSpace: the data is no node; the message starts with `path`.
    """
    if not isinstance(data, Mapping) or not is_node(data):
        raise IllegalSpace(
            f"{path} must be a range such as {{low: 0.1, high: 1.0}} or a choice such as "
            f"{{choices: [a, b]}}, but got {_shown(data)}."
        )
    build = _choice if "choices" in data else _range
    return _at(path, lambda: build(data, path))


def _at(path: str, build: Callable[[], _Built]) -> _Built:
    """Build something whose error, if it has one, begins with the `path` at which it stands."""
    try:
        return build()
    except IllegalSpace as error:
        text = str(error)
        raise IllegalSpace(text if text.startswith(path) else f"{path}: {text}") from None


def _choice(data: Mapping[str, Any], path: str) -> Node:
    _check_keys(data, {*_COMMON, "choices"}, path)
    common = _common(data, path)
    choices = data["choices"]
    if isinstance(choices, Mapping):
        branches = {
            name: group_from_data({} if inside is None else inside, path=f"{path}.{name}")
            for name, inside in choices.items()
        }
        return Choice(branches, **common)
    if not isinstance(choices, list | tuple):
        raise IllegalSpace(
            f"{path}.choices must be a list of values or a mapping of branches, but got {choices!r}."
        )
    return Categorical(tuple(choices), **common)


def _range(data: Mapping[str, Any], path: str) -> Node:
    _check_keys(data, {*_COMMON, "low", "high", "log", "type", "prior"}, path)
    for bound in ("low", "high"):
        value = data.get(bound)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise IllegalSpace(
                f"{path}.{bound} must be a number, but got {value!r}; a range needs both `low` and `high`."
            )
    low, high, kind, log = data["low"], data["high"], data.get("type"), data.get("log", False)
    if kind is None and isinstance(low, int) and isinstance(high, int):
        raise IllegalSpace(
            f"{path}: {low} .. {high} could be whole or real numbers; add `type: int`, or write {low}.0 "
            "for real ones."
        )
    if kind not in (None, "int", "float"):
        raise IllegalSpace(f"{path}.type must be int or float, but got {kind!r}.")
    if not isinstance(log, bool):
        raise IllegalSpace(f"{path}.log must be true or false, but got {log!r}.")
    common = _common(data, path)
    if "prior" in data:
        common["prior"] = prior_from_data(data["prior"], path)
    if kind == "int":
        return Int(low, high, log=log, **common)
    if type(common.get("default")) is int:
        common["default"] = float(common["default"])
    return Float(float(low), float(high), log=log, **common)


def prior_from_data(data: object, path: str) -> Prior:
    """Read where good values are expected.

    Raises:
        IllegalSpace: it is none; the message begins with `path`.
    """
    if not isinstance(data, Mapping) or set(data) != {"centre", "width"}:
        raise IllegalSpace(f"{path}.prior must be {{centre: number, width: number}}, but got {_shown(data)}.")
    return Prior(data["centre"], data["width"])


def _common(data: Mapping[str, Any], path: str) -> dict[str, Any]:
    common = {key: data[key] for key in _COMMON if key in data}
    when = common.get("when", {})
    if not isinstance(when, Mapping):
        raise IllegalSpace(f"{path}.when must map choices to lists of their branches, but got {when!r}.")
    if "when" in common:
        common["when"] = {
            name: tuple(allowed) if isinstance(allowed, list | tuple) else (allowed,)
            for name, allowed in when.items()
        }
    return common


def _check_keys(data: Mapping[str, Any], known: set[str], path: str) -> None:
    unknown = sorted(str(key) for key in set(data) - known)
    if unknown:
        raise IllegalSpace(
            f"{path} has an unknown key {unknown[0]!r}; it can have {', '.join(sorted(known))}."
        )


def _shown(data: object) -> str:
    text = repr(dict(data) if isinstance(data, Mapping) else data)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."
