"""Finding out about a user's classes, in a process that imports them."""

import importlib
import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any, get_args

from search_spaces.space.nodes import Categorical, Choice, Float, Int
from search_spaces.space.parameters import parameters
from studies.errors import StudyFileError
from tuner.errors import BadConfiguration
from tuner.init.errors import CannotBeMade, adapting
from tuner.init.found import Asked, Found
from tuner.init.metrics import logged, monitored
from tuner.init.signatures import describe, parameters_of, plain, shown_kind
from tuner.preparation.prepare import exposed_space
from tuner.training.configuration.assembly import link_targets
from tuner.training.configuration.class_paths import (
    PACKAGES,
    check_data,
    check_names,
    import_made,
    import_maker,
    package_of,
)

_PARTS = ("model", "data", "optimizer", "lr_scheduler")
# What a search does without: what logs, keeps weights and shows progress. It changes nothing that is trained.
_LOGGING = (
    "ModelCheckpoint", "OnExceptionCheckpoint", "LearningRateMonitor", "DeviceStatsMonitor", "ModelSummary",
    "RichModelSummary", "TQDMProgressBar", "RichProgressBar",
)  # fmt: skip
_SHOWING = (
    "logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "log_every_n_steps",
    "num_sanity_val_steps",
)  # fmt: skip
_LIGHTNING = tuple(f"{package}." for package in PACKAGES)
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


def read(asked: Asked) -> Found:
    """Find out what there is to write about.

    Raises:
        StudyFileError: a class does not exist, or does not take its arguments.
        CannotBeMade: LightningCLI itself cannot make the module or the data.
    """
    try:
        return _read(asked)
    except BadConfiguration as error:
        raise StudyFileError(asked.source, "", str(error)) from error


def _read(asked: Asked) -> Found:
    sections = dict(asked.sections)
    package = package_of(sections)
    made = _module_of(sections["model"]["class_path"])
    _refuse_unmakeable(sections, package)
    check_names(_without_missing(sections))
    check_data(sections)
    linked = link_targets(sections)
    parts = {
        section: describe(
            sections[section]["class_path"], sections[section].get("init_args") or {}, section, linked=linked
        )
        for section in _PARTS
        if section in sections
    }
    trainer, left_out = _trainer(sections.get("trainer") or {}, package)
    metrics = (*monitored(sections.get("trainer") or {}), *logged(made))
    source = _source(made)
    return Found(
        name=_name(made),
        cli=sections.get("cli"),
        parts=parts,
        trainer=trainer,
        left_out=left_out,
        metrics=tuple({metric.name: metric for metric in reversed(metrics)}[name] for name in
                      dict.fromkeys(metric.name for metric in metrics)),
        exposed=_exposed(sections),
        own_optimizer="optimizer" in sections or made.__module__.startswith(_LIGHTNING)
        or not _inherits(made, "configure_optimizers"),
        is_manual=re.search(r"automatic_optimization\s*=\s*False", source) is not None,
        seed=asked.seed,
    )  # fmt: skip


def _module_of(path: str) -> type:
    """Give the module's class; of a function that only says `LightningModule`, the class that it calls."""
    made = import_made(path, "model.class_path")
    maker: Any = import_maker(path, "model.class_path")
    if not hasattr(made, "configure_optimizers"):
        raise BadConfiguration("model.class_path", f"{path} makes no LightningModule; name one that is.")
    if made.__module__.startswith(_LIGHTNING) and inspect.isfunction(maker):
        called = [maker.__globals__.get(name) for name in maker.__code__.co_names]
        found = [cls for cls in called if isinstance(cls, type) and issubclass(cls, made)]
        return found[0] if found else made
    return made


def _without_missing(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Give sections in which each argument that the user has to give later is there."""
    filled = dict(sections)
    for section in ("model", "data"):
        if section in sections:
            maker = import_maker(sections[section]["class_path"], f"{section}.class_path")
            signature = inspect.signature(maker).parameters.values()
            needed = {
                p.name: None
                for p in signature
                if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            }
            filled[section] = {
                **sections[section],
                "init_args": needed | dict(sections[section].get("init_args") or {}),
            }
    return filled


def _refuse_unmakeable(sections: Mapping[str, Any], package: str) -> None:
    for section in ("model", "data"):
        if section not in sections:
            continue
        path, given = sections[section]["class_path"], sections[section].get("init_args") or {}
        maker, made = import_maker(path, f"{section}.class_path"), import_made(path, f"{section}.class_path")
        taken = parameters_of(maker)
        unmakeable = {
            name: shown_kind(parameter) or "partial" for name, parameter in taken.items()
            if _is_unmakeable(parameter, is_given=name in given)
        }  # fmt: skip
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


def _trainer(given: Mapping[str, Any], package: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give what a user has set of a trainer, and the names of what a search does without."""
    usual = inspect.signature(importlib.import_module(package).Trainer).parameters
    kept: dict[str, Any] = {}
    left: list[str] = []
    for key, value in given.items():
        if value is None or (key in usual and plain(usual[key].default) == value and key != "max_epochs"):
            continue
        if key == "callbacks":
            listed = value if isinstance(value, list) else [value]
            acting = [callback for callback in listed if _last(callback) not in _LOGGING]
            left += [_last(callback) for callback in listed if callback not in acting]
            if acting:
                kept[key] = acting
        elif key in _SHOWING:
            left.append(key)
        else:
            kept[key] = value
    return kept, tuple(left)


def _last(callback: Any) -> str:
    path = callback.get("class_path") if isinstance(callback, Mapping) else callback
    return str(path).rpartition(".")[2]


def _exposed(sections: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the user's own values by parameter of the space that the module exposes, if it exposes one."""
    space = exposed_space(sections["model"]["class_path"])
    if space is None:
        return None
    own: dict[str, Any] = {}
    for parameter in parameters(space):
        place: Any = sections
        for name in (parameter.target or "").split("."):
            place = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(parameter.node, Choice) or place is None or isinstance(place, list | Mapping):
            continue
        node = parameter.node
        if isinstance(node, Categorical):
            fits = place in node.choices
        else:
            fits = (
                isinstance(node, Float | Int)
                and isinstance(place, int | float)
                and node.low <= place <= node.high
            )
        if not fits:
            continue
        own[parameter.name] = place
    return own


def _inherits(module: type, method: str) -> bool:
    """Say whether a method is Lightning's own."""
    return str(getattr(module, method).__module__).startswith(
        tuple(f"{package}.core." for package in PACKAGES)
    )


def _source(module: type) -> str:
    texts = []
    for cls in inspect.getmro(module):
        if cls.__module__.partition(".")[0] not in ("pytorch_lightning", "lightning", "torch", "builtins"):
            try:
                texts.append(inspect.getsource(cls))
            except (OSError, TypeError):
                continue
    return "\n".join(texts)


def _name(module: type) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", module.__name__.strip("_")).lower() or "mine"
