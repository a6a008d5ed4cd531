"""Finding out about a user's classes, in a process that imports them."""

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

from search_spaces.space.nodes import Categorical, Choice, Float, Int
from search_spaces.space.parameters import parameters
from studies.errors import StudyFileError
from tuner.errors import BadConfiguration
from tuner.preparation.drafting.found import Asked, Found
from tuner.preparation.drafting.metrics import logged, monitored
from tuner.preparation.drafting.refusals import refuse_unmakeable
from tuner.preparation.drafting.signatures import describe, plain
from tuner.preparation.prepare import exposed_space
from tuner.training.configuration.class_paths import (
    PACKAGES,
    check_data,
    check_names,
    import_made,
    import_maker,
    package_of,
)
from tuner.training.configuration.links import link_targets

_PARTS = ("model", "data", "optimizer", "lr_scheduler")
# What a search does without: what logs, keeps weights and shows progress. It changes nothing that is trained.
_LOGGING = (
    "ModelCheckpoint", "OnExceptionCheckpoint", "LearningRateMonitor", "DeviceStatsMonitor", "ModelSummary",
    "RichModelSummary", "TQDMProgressBar", "RichProgressBar",
)  # fmt: skip
_SHOWING = (
    "logger",
    "enable_checkpointing",
    "enable_progress_bar",
    "enable_model_summary",
    "log_every_n_steps",
    "num_sanity_val_steps",
)
_LIGHTNING = tuple(f"{package}." for package in PACKAGES)


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
    refuse_unmakeable(sections, package)
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
        metrics=tuple(
            {metric.name: metric for metric in reversed(metrics)}[name]
            for name in dict.fromkeys(metric.name for metric in metrics)
        ),
        exposed=_exposed(sections),
        own_optimizer="optimizer" in sections
        or made.__module__.startswith(_LIGHTNING)
        or not _inherits(made, "configure_optimizers"),
        is_manual=re.search(r"automatic_optimization\s*=\s*False", source) is not None,
        seed=asked.seed,
    )


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
