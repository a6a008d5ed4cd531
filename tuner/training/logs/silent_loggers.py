"""Loggers that write elsewhere than into a folder get no run from a rehearsal: silent ones stand in for them.

Lightning itself does so under `fast_dev_run`. Here the stand-in is of the very class, so that a module which
looks for its logger's class finds it; but nothing of that class has been called.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.training.configuration.class_paths import import_class, package_of

_LOCAL = ("loggers.csv_logs", "loggers.tensorboard")  # modules of Lightning whose loggers only write files


def without_servers(configuration: Mapping[str, Any]) -> tuple[dict[str, Any], dict[int, type]]:
    """Give the same configuration without loggers that may write elsewhere, and their classes.

    Args:
        configuration: LightningCLI's sections.

    Returns: The configuration, and the classes that are left out by their places among the loggers.
    """
    trainer = dict(configuration.get("trainer") or {})
    given = trainer.get("logger")
    if not given or given is True:
        return dict(configuration), {}
    package = package_of(configuration)
    loggers = given if isinstance(given, list) else [given]
    classes = [_class_of(logger, package) for logger in loggers]
    local = {f"{package}.{module}" for module in _LOCAL}
    silent = {place: cls for place, cls in enumerate(classes) if cls.__module__ not in local}
    if not silent:
        return dict(configuration), {}
    kept = [logger for place, logger in enumerate(loggers) if place not in silent]
    return {**configuration, "trainer": {**trainer, "logger": kept or False}}, silent


def put_silent(trainer: Any, silent: Mapping[int, type], folder: Path) -> None:
    """Put silent loggers where those were that `without_servers` has left out."""
    loggers = list(trainer.loggers)
    for place, cls in sorted(silent.items()):
        loggers.insert(place, _silent(cls, folder))
    trainer.loggers = loggers


def announced_silent(silent: Mapping[int, type]) -> str:
    """Say in a sentence which loggers were not tried; nothing where all were."""
    names = sorted({cls.__name__ for cls in silent.values()})
    if not names:
        return ""
    were, log = ("was", "it logs") if len(names) == 1 else ("were", "they log")
    return (
        f"{' and '.join(names)} {were} not tried in the rehearsal, which leaves no run behind; the first "
        f"trial shows whether {log}."
    )


def _class_of(logger: Any, package: str) -> type:
    path = str(logger.get("class_path")) if isinstance(logger, Mapping) else str(logger)
    return import_class(path if "." in path else f"{package}.loggers.{path}", "trainer.logger")


def _silent(cls: type, folder: Path) -> Any:
    """Make a logger of a class that does nothing, whatever is asked of it, and whose folder is `folder`."""
    package = next(
        parent.__module__.partition(".loggers.")[0]
        for parent in cls.__mro__
        if parent.__name__ == "Logger" and ".loggers." in parent.__module__
    )
    dummy = importlib.import_module(f"{package}.loggers.logger").DummyLogger

    def nothing(*arguments: Any, **named: Any) -> None:
        return None

    methods = {
        name: nothing
        for parent in cls.__mro__[:-1]
        for name, member in vars(parent).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, staticmethod | classmethod))
    }
    # For every other name `__getattr__` gives a method that does nothing.
    of_dummy = {name: vars(dummy)[name] for name in ("experiment", "__getitem__", "__getattr__")}
    folders = dict.fromkeys(("save_dir", "root_dir", "log_dir"), str(folder))
    begin = {"__init__": lambda self: setattr(self, "_experiment", dummy().experiment)}
    return type(cls.__name__, (cls,), methods | of_dummy | folders | begin | {"name": "", "version": "0"})()
