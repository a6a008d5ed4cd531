"""Samplers and pruners by `class_path`, as LightningCLI names classes."""

import inspect
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from jsonargparse import ArgumentError, ArgumentParser

from search_spaces.errors import TunerError

T = TypeVar("T")


class BadClass(TunerError, ValueError):
    """A class named by `class_path` cannot be made from its arguments."""


def make(kind: type[T], config: Mapping[str, Any], **defaults: Any) -> T:
    """Make an instance of a subclass of `kind`.

    Args:
        kind: what the class must be.
        config: `class_path` and `init_args`.
        defaults: arguments given where the class takes one of that name and `init_args` does not have it.

    Raises:
        BadClass: no such class, or not those arguments; the message is one sentence.
    """
    filled = {"class_path": config["class_path"], "init_args": deepcopy(dict(config.get("init_args") or {}))}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--it", type=kind, required=True)
    try:
        taken = _arguments(parser, filled) if defaults else set()
        filled["init_args"] = {k: v for k, v in defaults.items() if k in taken} | filled["init_args"]
        made: T = parser.instantiate(parser.parse_object({"it": filled})).it
    except (ArgumentError, ValueError, TypeError) as error:
        raise BadClass(f"{config['class_path']} cannot be made: {_innermost(str(error))}.") from error
    return made


def _arguments(parser: ArgumentParser, config: Mapping[str, Any]) -> set[str]:
    parsed = parser.parse_object({"it": {"class_path": config["class_path"], "init_args": config["init_args"]}})
    module, _, name = parsed.it.class_path.rpartition(".")
    cls = getattr(__import__(module, fromlist=[name]), name)
    return set(inspect.signature(cls).parameters)


def _innermost(message: str) -> str:
    """Give the last line of a nested message, where the parser says what is really wrong."""
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    return re.sub(r"<class '([\w.]+)'>", r"\1", lines[-1]).rstrip(".") if lines else "it is not accepted"
