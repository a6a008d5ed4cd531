"""Samplers and pruners by `class_path`, as LightningCLI names classes."""

import importlib
import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from functools import lru_cache
from inspect import signature
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace
from optuna.pruners import (
    BasePruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
)
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    GPSampler,
    GridSampler,
    RandomSampler,
    TPESampler,
)

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


JOINT_MODEL = "studies.proposing.model.JointSampler"  # of a study that names no sampler
SUCCESSIVE_HALVING = "optuna.pruners.SuccessiveHalvingPruner"

# Others keep accounts in the study or in their trials, whose order differs from run to run.
_REPEATABLE = (
    RandomSampler,
    TPESampler,
    GPSampler,
    NopPruner,
    SuccessiveHalvingPruner,
    PercentilePruner,
    ThresholdPruner,
)


def refuse_unrepeatable(made: BaseSampler | BasePruner) -> None:
    """Refuse a sampler or a pruner whose answers depend on more than the trials that it is shown.

    One of another library may say by an attribute `repeatable` that its answers do not.

    Raises:
        BadClass: they may.
    """
    if not (isinstance(made, _REPEATABLE) or getattr(made, "repeatable", False)):
        kinds = ", ".join(
            kind.__name__
            for kind in _REPEATABLE
            if isinstance(made, BaseSampler) == issubclass(kind, BaseSampler)
        )
        raise BadClass(
            f"{type(made).__name__} does not answer alike on every run, as study.repeatable wants it; "
            f"use one of {kinds}, or leave study.repeatable out."
        )


def _make(kind: type, config: ClassConfig, **defaults: object) -> Any:
    path = config["class_path"]
    _refuse_unknown(kind, path, config.get("init_args") or {})
    known = tuple(sorted(name for name in defaults if name in signature(_import(kind, path)).parameters))
    try:
        parser, parsed = _parsed(kind, path, json.dumps(config.get("init_args") or {}), known)
        own = deepcopy(parsed)  # what is made may change what it is given
        for name in known:
            own.it.init_args[name] = defaults[name]
        return parser.instantiate(own).it
    except (ArgumentError, ValueError, TypeError, ImportError) as error:
        raise BadClass(f"{path} cannot be made: {_innermost(str(error))}; mend its `init_args`.") from error


def _refuse_unknown(kind: type, path: str, arguments: Mapping[str, Any]) -> None:
    taken = signature(_import(kind, path)).parameters
    for name in arguments:
        if name not in taken:
            near = get_close_matches(str(name), taken, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(taken) or 'none'}."
            raise BadClass(f"{path} takes no argument {name!r}; {hint}")


@lru_cache(maxsize=64)
def _parsed(kind: type, path: str, given: str, known: Sequence[str]) -> tuple[ArgumentParser, Namespace]:
    """Check arguments, once for all trials of a study: it takes as long as all else that a trial asks for.

    Args:
        kind: of the class.
        path: its path.
        given: its arguments, as JSON.
        known: the names of those that are whole numbers which the caller sets later.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--it", type=kind, required=True)
    init_args = dict.fromkeys(known, 0) | json.loads(given)
    return parser, parser.parse_object({"it": {"class_path": path, "init_args": init_args}})


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


def has_known_rungs(pruner: ClassConfig) -> bool:
    """Say whether a pruner is successive halving, with rungs that do not follow from trials."""
    arguments = pruner.get("init_args") or {}
    return pruner["class_path"] == SUCCESSIVE_HALVING and isinstance(arguments.get("min_resource"), int)


def refuse_without_rungs(pruner: ClassConfig) -> None:
    """Refuse a pruner at whose rungs no chance can decide.

    Raises:
        BadClass: it has none that are known beforehand.
    """
    if not has_known_rungs(pruner):
        raise BadClass(
            f"{pruner['class_path']} has no rungs that are known beforehand, at which study.stop_exploring "
            f"stops trials; leave the pruner out, name {SUCCESSIVE_HALVING} with a whole min_resource, or "
            f"leave study.stop_exploring out."
        )
