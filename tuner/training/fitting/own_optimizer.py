"""A module that brings an optimizer of its own, where the configuration names another one."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tuner.errors import BadConfiguration
from tuner.training.configuration.arguments import parameters_of
from tuner.training.configuration.class_paths import PACKAGES, import_maker

# LightningCLI gives a module its `configure_optimizers` as a method of the object.
_LIGHTNINGS = tuple(f"{name}." for name in PACKAGES)


def refuse_manual(module: Any, configuration: Mapping[str, Any]) -> None:
    """Refuse an optimizer for a module that steps its own by itself.

    Raises:
        BadConfiguration: the module has `automatic_optimization = False`.
    """
    if configuration.get("optimizer") and not module.automatic_optimization:
        raise BadConfiguration(
            "optimizer",
            f"{type(module).__name__} trains by manual optimization, so it makes and steps its optimizers "
            "itself, and one of the study would not fit in; leave `use: optimizer`, or a recipe, out and "
            "search the module's own "
            "arguments.",
        )


def announced(module: Any, configuration: Mapping[str, Any]) -> str:
    """Say that the module's own optimizer and scheduler are replaced; nothing where none is."""
    own = type(module).configure_optimizers
    if not configuration.get("optimizer") or own.__module__.startswith(_LIGHTNINGS):
        return ""
    unused = dead_arguments(configuration)
    beside = f" {', '.join(unused)} of the module then does nothing, and is not exported." if unused else ""
    return (
        f"The study's optimizer takes the place of {type(module).__name__}.configure_optimizers: of its "
        f"optimizer, and of its scheduler too; a schedule is searched by `use: schedule`.{beside}"
    )


def dead_arguments(configuration: Mapping[str, Any]) -> list[str]:
    """Name the given arguments of a module that make an optimizer or a scheduler, where the study has one.

    Only those that may be left out: what a class needs stays.
    """
    part = configuration.get("model") or {}
    given = part.get("init_args") or {}
    if not configuration.get("optimizer") or not given:
        return []
    maker = import_maker(part["class_path"], "model.class_path")
    taken = parameters_of(maker)
    return [
        name
        for name in given
        if name in taken
        and taken[name].default is not inspect.Parameter.empty
        and _makes_one(taken[name].annotation)
    ]


def _makes_one(annotation: Any) -> bool:
    """Say whether a type is that of a callable that gives an optimizer or a scheduler."""
    if get_origin(annotation) is Callable:
        return any(_is_one(kind) for kind in _flat(get_args(annotation)[-1]))
    return any(_makes_one(kind) for kind in get_args(annotation))


def _flat(annotation: Any) -> list[Any]:
    return [*get_args(annotation)] or [annotation]


def _is_one(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Optimizer | LRScheduler)
