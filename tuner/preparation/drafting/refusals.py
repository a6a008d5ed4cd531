"""Which modules and data LightningCLI itself cannot make."""

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any, get_args

from tuner.preparation.drafting.errors import CannotBeMade, adapting
from tuner.preparation.drafting.signatures import shown_kind
from tuner.training.configuration.arguments import parameters_of
from tuner.training.configuration.class_paths import import_made, import_maker

_LIKE_HYDRA = ("Optimizer", "LRScheduler", "lr_scheduler")
# LightningCLI lets `save_hyperparameters` keep the configuration, and not what was made of it.
_LOOKED_UP = """\
        self.made = dict({made})

    def configure_optimizers(self):
        kept = dict(self.hparams)
        self.hparams.update(self.made)
        configured = super().configure_optimizers()
        self.hparams.update(kept)
        return configured
"""
_NO_PLAIN_VALUE = ("Tensor", "ndarray", "DataFrame", "Series", "DataLoader", "partial")


def refuse_unmakeable(sections: Mapping[str, Any], package: str) -> None:
    """Refuse a module or data whose arguments no configuration can give.

    Args:
        sections: LightningCLI's, which name the classes.
        package: the Lightning that the module is of.

    Raises:
        CannotBeMade: an argument is an optimizer, a scheduler, or no plain value and without a default.
    """
    for section in ("model", "data"):
        if section not in sections:
            continue
        path, given = sections[section]["class_path"], sections[section].get("init_args") or {}
        maker, made = import_maker(path, f"{section}.class_path"), import_made(path, f"{section}.class_path")
        taken = parameters_of(maker)
        unmakeable = {
            name: shown_kind(parameter) or "partial"
            for name, parameter in taken.items()
            if _is_unmakeable(parameter, is_given=name in given)
        }
        if not unmakeable:
            continue
        kinds = ", ".join(f"{name}: {kind}" for name, kind in unmakeable.items())
        if any(any(word in kind for word in _LIKE_HYDRA) for kind in unmakeable.values()):
            raise CannotBeMade(
                f"{path} takes an optimizer or a scheduler ready-made ({kinds}), and LightningCLI itself "
                "cannot make one before the module is there; give callables, as this subclass does.",
                _with_callables(package, made, unmakeable),
            )
        raise CannotBeMade(
            f"{path} needs {kinds}, which is no plain value and has no default, so LightningCLI itself "
            "cannot make it; let a subclass make it, such as this one.",
            _with_values(made, unmakeable),
        )


def _is_unmakeable(parameter: inspect.Parameter, *, is_given: bool) -> bool:
    annotation = parameter.annotation
    options = [option for option in get_args(annotation) or (annotation,) if option is not type(None)]
    if "Callable" in str(annotation) and get_args(annotation):
        return False
    is_made_later = any(_is_made_later(option) for option in options)
    if is_made_later:
        return parameter.default is parameter.empty or is_given
    if parameter.default is not parameter.empty or is_given:
        return False
    names = [option.__name__ if isinstance(option, type) else str(option) for option in options]
    return bool(names) and all(any(name.endswith(word) for word in _NO_PLAIN_VALUE) for name in names)


def _is_made_later(option: Any) -> bool:
    if isinstance(option, ModuleType):  # an annotation `torch.optim.lr_scheduler` names a module
        return option.__name__.startswith("torch.optim")
    kinds = {f"{cls.__module__}.{cls.__name__}" for cls in getattr(option, "__mro__", ())}
    return bool(kinds & {"torch.optim.optimizer.Optimizer", "torch.optim.lr_scheduler.LRScheduler"})


def _with_callables(package: str, made: type, unmakeable: Mapping[str, str]) -> str:
    arguments = {}
    for name, kind in unmakeable.items():
        is_schedule = "sched" in name.lower() or "LRScheduler" in kind
        alias = "LRSchedulerCallable" if is_schedule else "OptimizerCallable"
        usual = "torch.optim.lr_scheduler.ConstantLR" if is_schedule else "torch.optim.Adam"
        arguments[name] = f"{alias} = {usual}"
    aliases = ", ".join(sorted({kind.partition(" ")[0] for kind in arguments.values()}))
    return adapting(
        made,
        arguments,
        ", ".join(f"{name}={name}" for name in unmakeable),
        aliases=f"from {package}.cli import {aliases}\n",
        what="LightningCLI makes a callable of `class_path` and `init_args`",
        then=_LOOKED_UP.format(made=", ".join(f"{name}={name}" for name in unmakeable)),
    )


def _with_values(made: type, unmakeable: Mapping[str, str]) -> str:
    return adapting(
        made,
        {f"{name}_file": "str" for name in unmakeable},
        ", ".join(f"{name}=torch.load({name}_file)" for name in unmakeable),
        what="make what is no plain value of arguments that are",
    )
