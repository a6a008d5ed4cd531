"""What a class or a function takes, as LightningCLI's own parser sees it."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from jsonargparse import ArgumentParser

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
# What LightningCLI hands to an optimizer or a scheduler itself.
_GIVEN_LATER = {
    "torch.optim.optimizer.Optimizer": "params",
    "torch.optim.lr_scheduler.LRScheduler": "optimizer",
}


def defaults_of(maker: Callable[..., Any]) -> dict[str, Any]:
    """Give the defaults of all that a class or a function takes, those behind `**kwargs` too."""
    parser = ArgumentParser(exit_on_error=False)
    try:
        if isinstance(maker, type):
            parser.add_class_arguments(maker, "it", fail_untyped=False)
        else:  # of a class method too, of which LightningCLI reads no `**kwargs`
            parser.add_function_arguments(maker, "it", fail_untyped=False)
        held = parser.get_defaults().as_dict().get("it") or {}
    except Exception:  # noqa: BLE001 - a signature that the parser cannot read is read by Python alone
        return {}
    skipped = _given_later(maker)
    return {name: value for name, value in held.items() if name != skipped}


def parameters_of(maker: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Give the parameters of a class or a function, those of the bases that get its `**kwargs` too."""
    if not isinstance(maker, type):
        return dict(_named(maker, skips_first=False))
    found: dict[str, inspect.Parameter] = {}
    for cls in inspect.getmro(maker):
        make = vars(cls).get("__init__")
        if make is None or cls.__module__.startswith(("torch.nn.modules.module", "builtins")):
            continue
        for name, parameter in _named(make, skips_first=True):
            found.setdefault(name, parameter)
        kinds = [parameter.kind for parameter in inspect.signature(make).parameters.values()]
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    found.pop(_given_later(maker), None)
    return found


def _named(function: Any, *, skips_first: bool) -> list[tuple[str, inspect.Parameter]]:
    try:
        hints = get_type_hints(function)
    except Exception:  # noqa: BLE001 - an annotation that cannot be read is shown as it stands
        hints = {}
    every = list(inspect.signature(function).parameters.values())[1 if skips_first else 0 :]
    return [
        (parameter.name, parameter.replace(annotation=hints.get(parameter.name, parameter.annotation)))
        for parameter in every
        if parameter.kind not in _VARIADIC
    ]


def _given_later(maker: Callable[..., Any]) -> str:
    kinds = {f"{cls.__module__}.{cls.__qualname__}" for cls in getattr(maker, "__mro__", ())}
    return next((name for kind, name in _GIVEN_LATER.items() if kind in kinds), "")
