"""What a class takes: its arguments with types and defaults, as LightningCLI's own parser sees them."""

import inspect
import re
from collections.abc import Mapping
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner.errors import BadConfiguration
from tuner.preparation.drafting.found import Argument, Part
from tuner.training.configuration.arguments import defaults_of, parameters_of
from tuner.training.configuration.class_paths import import_maker

NOT_PLAIN = object()
_DEEPEST = 5  # classes within classes
_LONGEST = 60  # characters of a type or of a default


def describe(
    class_path: str,
    given: Mapping[str, Any],
    key: str,
    *,
    linked: frozenset[str] = frozenset(),
    is_given: bool = True,
    depth: int = 0,
) -> Part:
    """Describe a class, or a function that makes one, with the values that a configuration gives it.

    Args:
        class_path: its import path.
        given: the values of arguments.
        key: where it is named.
        linked: the keys that links of a LightningCLI fill.
        is_given: whether the user's configuration names it.
        depth: how many classes it lies within.

    Raises:
        BadConfiguration: it cannot be imported.
    """
    maker = import_maker(class_path, f"{key}.class_path")
    taken, defaults = parameters_of(maker), defaults_of(maker)
    names = dict.fromkeys([*taken, *defaults, *given])
    arguments = []
    for name in names:
        inside = f"{key}.init_args.{name}"
        parameter = taken.get(name)
        kind = shown_kind(parameter)
        if inside in linked:
            arguments.append(Argument(name, kind, "linked"))
        elif name in given:
            part = _part_of(given[name], inside, linked, depth, is_given=is_given)
            arguments.append(Argument(name, kind, "given", given[name], part=part))
        elif parameter is not None and parameter.default is parameter.empty:
            arguments.append(Argument(name, kind, "missing"))
        else:
            raw = None if parameter is None else parameter.default
            arguments.append(
                _by_default(name, kind, defaults.get(name, raw), key=inside, linked=linked, depth=depth)
            )
    return Part(class_path, tuple(arguments), is_given)


def _by_default(
    name: str, kind: str, default: Any, *, key: str, linked: frozenset[str], depth: int
) -> Argument:
    value = plain(default)
    if value is NOT_PLAIN:
        return Argument(name, kind, "default", None, shown=_shown(default))
    if isinstance(value, Mapping) and isinstance(value.get("class_path"), str):
        value = {"class_path": value["class_path"], "init_args": _own(value)}
    part = _part_of(value, key, linked, depth, is_given=False)
    return Argument(name, kind, "default", value, part=part)


def _part_of(value: Any, key: str, linked: frozenset[str], depth: int, *, is_given: bool) -> Part | None:
    """Describe the class that a value names; None where it names none, or one that nobody finds."""
    if isinstance(value, str) and _is_loaded(value):
        value = {"class_path": value}
    if not isinstance(value, Mapping) or depth >= _DEEPEST:
        return None
    path, given = value.get("class_path"), value.get("init_args") or {}
    if not isinstance(path, str) or "." not in path or not isinstance(given, Mapping):
        return None
    try:
        return describe(path, given, key, linked=linked, is_given=is_given, depth=depth + 1)
    except BadConfiguration:
        return None


def _is_loaded(text: str) -> bool:
    """Say whether a text is the path of a class of PyTorch, which may stand without `class_path`."""
    return text.startswith("torch.") and text.rpartition(".")[2][:1].isupper() and bool(find_spec("torch"))


def _own(default: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a default that differ from those that its class has by itself."""
    arguments = default.get("init_args") or {}
    try:
        usual = defaults_of(import_maker(default["class_path"], ""))
    except BadConfiguration:
        return dict(arguments)
    return {name: value for name, value in arguments.items() if plain(usual.get(name, NOT_PLAIN)) != value}


def plain(value: Any) -> Any:
    """Give a value as plain data of a study file; `NOT_PLAIN` where it is none."""
    if isinstance(value, Enum | Path):
        return value.name if isinstance(value, Enum) else str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, type) or (inspect.isfunction(value) and "<" not in value.__qualname__):
        return f"{value.__module__}.{value.__qualname__}"
    parts: Any = NOT_PLAIN
    if isinstance(value, Mapping):
        parts = {str(name): plain(part) for name, part in value.items()}
    elif isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
    inside = parts.values() if isinstance(parts, dict) else parts if isinstance(parts, list) else ()
    return NOT_PLAIN if any(part is NOT_PLAIN for part in inside) else parts


def shown_kind(parameter: inspect.Parameter | None) -> str:
    """Write the type of a parameter as Python does, without the modules; empty where there is none."""
    if parameter is None or parameter.annotation in (parameter.empty, Any):
        return ""
    annotation = parameter.annotation
    text = annotation.__name__ if isinstance(annotation, type | ModuleType) else str(annotation)
    short = " ".join(re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text).split())
    return short if len(short) <= _LONGEST else f"{short[:_LONGEST]}..."


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
