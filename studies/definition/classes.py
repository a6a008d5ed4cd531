"""Samplers and pruners by `class_path`, as LightningCLI names classes."""

import importlib
import inspect
import re
from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, BruteForceSampler, GridSampler

from studies.errors import BadClass

ClassConfig = Mapping[str, Any]  # {"class_path": ..., "init_args": {...}}


def make_sampler(config: ClassConfig, *, seed: int) -> BaseSampler:
    """Make a sampler.

    Args:
        config: its class and arguments.
        seed: its seed, where the class takes one.

    Raises:
        BadClass: no such sampler, not those arguments, or one that cannot work here.
    """
    path = config["class_path"]
    if "seed" in (config.get("init_args") or {}):
        # With one seed for all, every worker and every trial would draw the same values.
        raise BadClass(
            f"{path} takes its seed from the study; leave `seed` out, and write `study.seed` instead."
        )
    if issubclass(_import(BaseSampler, path), GridSampler | BruteForceSampler):
        raise BadClass(
            f"{path} ends a study by itself, but here the number of trials does; "
            f"use optuna.samplers.RandomSampler."
        )
    sampler: BaseSampler = _make(BaseSampler, config, seed=seed)
    return sampler


def make_pruner(config: ClassConfig) -> BasePruner:
    """Make a pruner.

    Raises:
        BadClass: no such pruner, or not those arguments.
    """
    pruner: BasePruner = _make(BasePruner, config)
    return pruner


def _make(kind: type, config: ClassConfig, **defaults: object) -> Any:
    path, arguments = config["class_path"], dict(config.get("init_args") or {})
    taken = inspect.signature(_import(kind, path)).parameters
    for name in arguments:
        if name not in taken:
            near = get_close_matches(str(name), taken, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(taken) or 'none'}."
            raise BadClass(f"{path} takes no argument {name!r}; {hint}")
    known = {name: value for name, value in defaults.items() if name in taken}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--it", type=kind, required=True)
    try:
        parsed = parser.parse_object({"it": {"class_path": path, "init_args": known | deepcopy(arguments)}})
        return parser.instantiate(parsed).it
    except (ArgumentError, ValueError, TypeError, ImportError) as error:
        raise BadClass(f"{path} cannot be made: {_innermost(str(error))}; mend its `init_args`.") from error


def _import(kind: type, path: str) -> type:
    module_name, _, name = path.rpartition(".")
    if not module_name:
        package = kind.__module__.split("._")[0]
        raise BadClass(f"{path!r} must be an import path, such as {package}.{path or 'SomeClass'}.")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise BadClass(
            f"{path} cannot be imported: {error}; correct the path, or install its package."
        ) from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [n for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, kind)]
        near = get_close_matches(name, classes, n=1) or classes[:1]
        hint = f"did you mean {module_name}.{near[0]}?" if near else "correct the path."
        raise BadClass(f"Module {module_name} has no class {name!r}; {hint}")
    if not issubclass(found, kind):
        raise BadClass(f"{path} is no subclass of Optuna's {kind.__name__}; name one that is.")
    return found


def _innermost(message: str) -> str:
    """Give the last line of a nested message, where the parser says what is really wrong."""
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    return re.sub(r"<class '([\w.]+)'>", r"\1", lines[-1]).rstrip(".") if lines else "it is not accepted"
