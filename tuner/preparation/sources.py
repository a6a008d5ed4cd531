"""Reading in its source whether a class exists and what it takes, since importing it would import PyTorch.

Only what the source surely says is refused. What a module makes while it is imported is left to the import.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from tuner.errors import BadConfiguration
from tuner.workers.code.named import find_module

TRAINERS = ("pytorch_lightning.Trainer", "lightning.pytorch.Trainer")
# A module in whose source one of these stands may have names that nobody can read there.
MADE_BY_CODE = ("globals()", "__getattr__", "sys.modules", "__path__", "import *", "setattr(", "vars()")
_SECTIONS = ("model", "data", "optimizer", "lr_scheduler")
_MAKERS = ("__init__", "__new__")
_OURS = "tuner"  # what it makes by code are classes, and no modules
_HOPS = 8  # imports that are followed from where a class is named to where it is defined


@dataclass(frozen=True)
class _Source:
    """The names of a module, by the statement that binds each, and the package of its relative imports.

    `is_whole` says that the module has no other names.
    """

    names: Mapping[str, ast.stmt]
    package: str
    is_whole: bool


def check_sources(sections: Mapping[str, Any]) -> None:
    """Refuse classes that do not exist, and arguments and keys that are not taken, as far as sources say it.

    Args:
        sections: a study file's.

    Raises:
        BadConfiguration: the first such name.
    """
    for section in _SECTIONS:
        part = sections.get(section)
        path = part.get("class_path") if isinstance(part, Mapping) else part
        if isinstance(path, str) and "." not in path:
            raise BadConfiguration(
                f"{section}.class_path", f"{path!r} must be an import path, such as package.module.{path}."
            )
        if isinstance(part, str):
            _check({"class_path": part}, section)
    for key, part in _classes({name: sections.get(name) for name in (*_SECTIONS, "trainer")}):
        _check(part, key)
    trainer, trainers = sections.get("trainer"), [taken_by(path) for path in TRAINERS]
    if isinstance(trainer, Mapping) and trainers[0]:
        known = {name for taken in trainers for name in taken or ()}
        for name in trainer:
            if name not in known:
                raise BadConfiguration(f"trainer.{name}", _not_taken("Trainer", name, known))


def taken_by(class_path: str) -> tuple[str, ...] | None:
    """Name the arguments of a class; None where its source does not surely say them."""
    found = _definition(class_path)
    if not isinstance(found, ast.ClassDef) or found.decorator_list or found.keywords:
        return None
    made = [part for part in found.body if isinstance(part, ast.FunctionDef) and part.name in _MAKERS]
    if len(made) != 1 or made[0].args.kwarg is not None:
        return None
    taken = made[0].args
    variadic = [taken.vararg] if taken.vararg else []
    named = (*taken.posonlyargs, *taken.args, *variadic, *taken.kwonlyargs)
    return tuple(argument.arg for argument in named)[1:]


def _classes(data: Any, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Go through all that is named by a class path, with the key at which it stands."""
    if isinstance(data, Mapping):
        if isinstance(data.get("class_path"), str):
            yield key, data
        for name, value in data.items():
            yield from _classes(value, f"{key}.{name}" if key else str(name))
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _classes(value, key)


def _check(part: Mapping[str, Any], key: str) -> None:
    path, given = part["class_path"], part.get("init_args")
    module_name, _, name = path.rpartition(".")
    if not module_name:
        return  # the parser knows short names of callbacks and loggers
    outer, _, inner = module_name.rpartition(".")
    if inner[:1].isupper() and not _exists(module_name) and _exists(outer):
        within = _read(outer)
        if within is None or not within.is_whole or inner in within.names:
            return  # perhaps a method of a class, which the import finds
    if missing := _missing(module_name):
        remedy = "install it, or run from the folder that holds it"
        raise BadConfiguration(
            f"{key}.class_path", f"{path} cannot be imported: No module named {missing!r}; {remedy}."
        )
    source = _read(module_name)
    if source is not None and source.is_whole and name not in source.names and not _exists(path):
        classes = [known for known in source.names if known[:1].isupper()]
        near = get_close_matches(name, classes, n=1)
        hint = f"did you mean {module_name}.{near[0]}?" if near else f"check what {module_name} defines."
        raise BadConfiguration(f"{key}.class_path", f"module {module_name} has no class {name!r}; {hint}")
    taken = taken_by(path)
    if taken is None or not isinstance(given, Mapping):
        return
    for argument in given:
        if argument not in taken:
            raise BadConfiguration(f"{key}.init_args.{argument}", _not_taken(name, argument, taken))


def _not_taken(name: str, argument: object, taken: Collection[str]) -> str:
    near = get_close_matches(str(argument), taken, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(taken)) or 'none'}."
    return f"{name} takes no such argument; {hint}"


def _exists(module: str) -> bool:
    return bool(find_module(module)[1])


def _missing(module: str) -> str | None:
    """Name the part of a module's path that does not exist; None where all exist or nobody can know."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        if not _exists(name):
            parent = None if count == 1 else _read(".".join(parts[: count - 1]))
            is_known = count == 1 or parts[0] == _OURS or (parent is not None and parent.is_whole)
            return name if is_known else None
    return None


def _definition(class_path: str) -> ast.stmt | None:
    """Find the statement that defines a class, behind imports; None where it cannot be found."""
    for _ in range(_HOPS):
        module, _, name = class_path.rpartition(".")
        source = _read(module) if module else None
        found = None if source is None else source.names.get(name)
        if source is None or not isinstance(found, ast.ImportFrom):
            return found
        parents = source.package.split(".")[: len(source.package.split(".")) - found.level + 1]
        origin = ".".join([*(parents if found.level else []), *([found.module] if found.module else [])])
        bound = {alias.asname or alias.name: alias.name for alias in found.names}
        class_path = f"{origin}.{bound[name]}"
    return None


def _read(module: str) -> _Source | None:
    """Read a module's source; None where it has none."""
    file, exists = find_module(module)
    if not exists or file is None or file.suffix != ".py":
        return None
    try:
        return _parsed(module, file, file.stat().st_mtime_ns)
    except (OSError, ValueError, SyntaxError):
        return None  # the import says it better


@cache
def _parsed(module: str, file: Path, changed: int) -> _Source:
    """Parse a module's source, anew where the file has `changed` meanwhile."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    is_whole = not any(mark in text for mark in MADE_BY_CODE)
    is_package = file.name == "__init__.py"
    return _Source(dict(_bound(tree.body)), module if is_package else module.rpartition(".")[0], is_whole)


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Go through the names that statements bind, those within `if`, `try`, `with` and loops too."""
    for statement in body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, statement
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for alias in names:
                    yield alias.asname or alias.name.partition(".")[0], statement
            case _:
                for node in ast.walk(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id, statement
                parts = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
                handlers = [handler.body for handler in getattr(statement, "handlers", [])]
                for part in (*parts, *handlers):
                    yield from _bound(part)
