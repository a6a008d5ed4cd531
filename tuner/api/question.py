"""A call from Python as a study file, so that all that is checked of a file is checked of the call."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeAlias

from search_spaces.space.nodes import Group, Node, Value
from search_spaces.space.notation import is_node, node_from_data, to_data
from search_spaces.space.parameters import SECTIONS
from studies.definition.yaml_text import yaml_text
from tuner.errors import Refused
from tuner.training.configuration.class_paths import PACKAGES, made_by
from tuner.training.process.by_value import is_importable, place

Maker: TypeAlias = Callable[..., Any]
Space: TypeAlias = Group | Mapping[str, Node | Mapping[str, Any] | Value | None] | str | None

SOURCE = "tuner.tune"  # what a message calls the study file
_PLAIN = (bool, int, float, str, type(None))
_KINDS = {"module": "LightningModule", "data": "LightningDataModule"}
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def study_file(
    module: Maker, data: Any, space: Space, settings: Mapping[str, Any], trainer: Mapping[str, Any]
) -> str:
    """Write a study file that asks what a call asks.

    Args:
        module: a LightningModule's class, a function that says that it returns one, or a `partial` of either.
        data: the same for a LightningDataModule, or such an object; None where the module has its loaders.
        space: what varies, by the argument that it fills: nodes, or data such as `{"low": 1, "high": 9.0}`. A
            plain value is fixed. A name of the catalogue, or None for the module's own `search_space()`.
        settings: the section `study`.
        trainer: the section `trainer`.

    Raises:
        Refused: something can be no part of a study; says what to write instead.
    """
    name = str(settings["name"])
    file: dict[str, Any] = {"study": dict(settings), "trainer": dict(trainer)}
    file["model"] = _part(_module(module), "module", name)
    if data is not None:
        file["data"] = _part(_data(data), "data", name)
    if isinstance(space, str):
        file["space"] = {"use": space}
    elif space is not None:
        file["space"] = {"add": _added(space, file, _taken(module, data))}
    return yaml_text(_plain(file, "the call"))


def _part(maker: Maker, role: str, study: str) -> dict[str, Any]:
    """Name a class or a function, and the arguments that a `partial` gives it."""
    given: Mapping[str, Any] = {}
    if isinstance(maker, partial):
        bound: partial[Any] = maker
        if bound.args:
            raise Refused(f"{role}: a partial gives {bound.args} by their place; give arguments by name.")
        maker, given = bound.func, bound.keywords
    made = made_by(maker)
    if made is None:
        raise Refused(
            f"{role}: {getattr(maker, '__qualname__', maker)} does not say what it returns, and LightningCLI "
            "needs to know; write it behind `->`, such as `-> LightningModule`."
        )
    wanted = _KINDS[role]
    if not _is_of(made, wanted):
        raise Refused(
            f"{role}: {getattr(maker, '__qualname__', maker)} makes a {made.__name__}, no {wanted}."
        )
    named = f"{getattr(maker, '__module__', '')}.{getattr(maker, '__qualname__', '')}"
    if not is_importable(maker):
        own = getattr(maker, "__qualname__", "")
        is_plain = own.isidentifier() and getattr(maker, "__module__", "") == "__main__"
        named = place(
            own if is_plain else f"_tuner_{study.replace('-', '_').replace('.', '_')}_{role}", maker
        )
    return {"class_path": named, **({"init_args": dict(given)} if given else {})}


def _module(module: Any) -> Maker:
    if _is_of(type(module), "LightningModule"):
        raise Refused(
            f"module is an object of {type(module).__name__}, and every trial needs one of its own; give the "
            "class, or a function that makes one and says so: `-> LightningModule`."
        )
    if not callable(module):
        raise Refused(
            f"module must be a LightningModule's class or a function that makes one, but got {module!r}."
        )
    maker: Maker = module
    return maker


def _data(data: Any) -> Maker:
    """Give what makes the data; an object is handed to every trial as it is now."""
    if not _is_of(type(data), "LightningDataModule"):
        if callable(data):
            maker: Maker = data
            return maker
        raise Refused(
            f"data must be a LightningDataModule or what makes one, but got {type(data).__name__}; wrap it: "
            "LightningDataModule.from_datasets(train, val, batch_size=64)."
        )

    def given() -> Any:
        return data

    given.__annotations__["return"] = type(data)
    given.made = type(data)  # type: ignore[attr-defined] # whose source is remembered
    return given


def _is_of(kind: type, name: str) -> bool:
    return any(
        parent.__name__ == name and parent.__module__.startswith(tuple(f"{package}." for package in PACKAGES))
        for parent in kind.__mro__
    )


def _taken(module: Maker, data: Any) -> dict[str, set[str]]:
    """Give the arguments that each section takes, by the prefix of their keys."""
    from pytorch_lightning import Trainer

    makers = {"model.init_args": module, "trainer": Trainer}
    if callable(data) and not _is_of(type(data), "LightningDataModule"):
        makers["data.init_args"] = data
    return {key: _arguments(maker) for key, maker in makers.items()}


def _arguments(maker: Maker) -> set[str]:
    from tuner.training.configuration.arguments import defaults_of

    own = {name for name, given in inspect.signature(maker).parameters.items() if given.kind not in _VARIADIC}
    bare = maker.func if isinstance(maker, partial) else maker
    return own | set(defaults_of(bare))


def _added(
    space: Group | Mapping[str, Any], file: dict[str, Any], taken: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Give the parameters with the keys that they fill; what is fixed goes into `file`."""
    if isinstance(space, Group):
        if space.set or space.class_path:
            raise Refused("A space that sets keys by itself is for a study file; give its children by name.")
        space = space.children
    added: dict[str, Any] = {}
    for name, given in space.items():
        if isinstance(given, list | tuple):
            is_pair = [type(end) in (int, float) for end in given] == [True, True] and given[0] < given[1]
            between = f"Float({given[0]!r}, {given[1]!r}) to search between them, or " if is_pair else ""
            raise Refused(
                f"space: {name} is {given!r}; write {between}Categorical({tuple(given)!r}) to choose one of "
                "these, or give it to the class by functools.partial to fix it."
            )
        node = node_from_data(given, path=name) if isinstance(given, Mapping) and is_node(given) else given
        if not isinstance(node, Node):
            _fix(file, _key_of(name, taken), given)
            continue
        target = node.target or _target_of(name, node, taken)
        added[name] = to_data(Group({name: replace(node, target=target)}))[name]
    return added


def _target_of(name: str, node: Node, taken: Mapping[str, set[str]]) -> str | None:
    """Give the key that a parameter fills; a choice whose branches say all may fill none."""
    branches = getattr(node, "branches", None)
    if branches and (all(branch.set for branch in branches.values()) or name.partition(".")[0] in SECTIONS):
        return None if "." not in name else name
    return _key_of(name, taken)


def _key_of(name: str, taken: Mapping[str, set[str]]) -> str:
    first = name.partition(".")[0]
    if "." in name and first in SECTIONS:
        return name
    places = [
        f"{section}.{name}" for section, arguments in taken.items() if name.partition(".")[0] in arguments
    ]
    own = [place for place in places if not place.startswith("trainer.")] or places
    if len(own) > 1:
        raise Refused(
            f"space: {name} is an argument of the module and of the data; write {' or '.join(own)}."
        )
    if not own:
        known = sorted({each for arguments in taken.values() for each in arguments})
        near = get_close_matches(name, known, n=1)
        hint = (
            f"did you mean {near[0]}?"
            if near
            else f"the module takes {', '.join(sorted(taken['model.init_args']))}."
        )
        raise Refused(f"space: {name} is no argument of the module, the data or the trainer; {hint}")
    return own[0]


def _fix(file: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    place: Any = file
    for part in path:
        place = place.setdefault(part, {})
    place[last] = value


def _plain(data: Any, key: str) -> Any:
    """Give data that a file can hold.

    Raises:
        Refused: a part is no plain value.
    """
    if isinstance(data, Mapping):
        return {str(name): _plain(part, str(name)) for name, part in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(part, key) for part in data]
    if isinstance(data, _PLAIN):
        return data
    if isinstance(data, type) and is_importable(data):
        return f"{data.__module__}.{data.__qualname__}"
    raise Refused(
        f"{key} is {data!r}, and a study keeps numbers, texts, lists and mappings; name a class by its "
        "import path, as in a study file, or make the object inside of a function that makes the module."
    )
