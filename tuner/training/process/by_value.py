"""Classes and functions that no other process can import: those of a notebook, of `__main__`, of a function.

A study names them by a path of `__main__`. Each process that is started hears them by value, in bytes that
cloudpickle has written, and puts them where such a path leads. They go from a process to those that it
starts, and nowhere else: what a database holds is never unpickled.
"""

import importlib
import inspect
import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import cloudpickle

from tuner.errors import Refused

HOME = "__main__"


def named_by_value(data: Any) -> list[str]:
    """List the names in `__main__` that plain data give as a class path."""
    return sorted({path.split(".")[1] for path in _paths(data, is_class=False)})


def is_importable(thing: Any) -> bool:
    """Say whether another process can import a class or a function by its module and its name."""
    home, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    if home is None or home == HOME or "<" in name:
        return False
    try:
        found: Any = importlib.import_module(home)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return bool(found == thing)  # a class method is another object each time that it is looked up


def place(name: str, thing: Any) -> str:
    """Put something where a path of `__main__` leads, and give the path."""
    setattr(sys.modules[HOME], name, thing)
    return f"{HOME}.{name}"


def missing(data: Any) -> list[str]:
    """List the class paths of `__main__` in plain data that lead nowhere in this process."""
    return [f"{HOME}.{name}" for name in named_by_value(data) if not hasattr(sys.modules[HOME], name)]


def sources(data: Any) -> dict[str, str]:
    """Give the source of what plain data name in `__main__`, by class path, as far as it can be read."""
    found = {}
    for name in named_by_value(data):
        thing: Any = getattr(sys.modules[HOME], name, None)
        with suppress(OSError, TypeError):  # such as one that was typed into an interpreter
            found[f"{HOME}.{name}"] = inspect.getsource(getattr(thing, "made", thing))
    return found


def pack(data: Any) -> bytes | None:
    """Write what plain data name in `__main__` by value; None where they name nothing there.

    Raises:
        Refused: something cannot be written.
    """
    main = sys.modules[HOME]
    things = {name: getattr(main, name) for name in named_by_value(data) if hasattr(main, name)}
    if not things:
        return None
    try:
        written: bytes = cloudpickle.dumps(things)
    except (TypeError, ValueError, AttributeError, pickle.PicklingError, RecursionError) as error:
        raise Refused(
            f"{' and '.join(things)} cannot be handed to the processes that train: {error}; make what cannot "
            "be pickled inside of the class or function, or move it to a module of its own."
        ) from error
    return written


def unpack(code: bytes | None) -> None:
    """Put what `pack` has written, in the process that started this one, where its paths lead."""
    if code is None:
        return
    for name, thing in pickle.loads(code).items():  # noqa: S301 - this process's parent wrote it
        if getattr(thing, "__qualname__", name) != name:  # one of a function: its own name leads nowhere
            thing.__module__, thing.__qualname__ = HOME, name
        setattr(sys.modules[HOME], name, thing)


def _paths(data: Any, *, is_class: bool) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, part in data.items():
            yield from _paths(part, is_class=is_class or str(key).endswith("class_path"))
    elif isinstance(data, list | tuple):
        for part in data:
            yield from _paths(part, is_class=is_class)
    elif isinstance(data, str) and is_class and data.startswith(f"{HOME}."):
        yield data
