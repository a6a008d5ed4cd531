"""Folders of a trial's own for whatever a study's trainer section writes: loggers, callbacks, profilers."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tuner.training.configuration.class_paths import import_class, package_of

_WRITERS = ("callbacks", "logger", "profiler", "plugins", "strategy")  # keys of the trainer that may write
_KIND = "save|out|output|log|logs|result|results|export|dump|write|tensorboard|work|working"
_FOLDER = re.compile(
    rf"dirpath|dir|directory|folder|logdir|({_KIND}|checkpoint|checkpoints|ckpt|root|default_root)_"
    "(dir|dirpath|directory|folder|root)"
)
_FILE = re.compile(rf"exclude_batches_path|({_KIND})_(path|file|filepath|filename)")
_NAMED = ("WandbLogger", "MLFlowLogger", "CometLogger", "NeptuneLogger")  # a server gives each run a number
_NAME_KEYS = {"WandbLogger": "name", "MLFlowLogger": "run_name"}
_VERSIONED = ("CSVLogger", "TensorBoardLogger")  # Lightning's: they count the folders that they find
_DEFAULT = "TensorBoardLogger" if find_spec("tensorboard") or find_spec("tensorboardX") else "CSVLogger"
_IN_PLACE = ""  # for a path: the trial's own folder

Own = Callable[[str], str]  # from the folder that a study names to the trial's own


def at_place(configuration: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Give the same configuration with folders of the trial's own for whatever it writes.

    A path that the study names is kept, and the trial gets a folder in it: `ckpts` becomes
    `ckpts/STUDY/trial-3`. What names no path writes to `place`.

    Args:
        configuration: LightningCLI's sections.
        place: the folder, called after the trial in a folder called after the study.
    """
    return _placed(configuration, place, lambda given: own_folder(given, place))


def own_folder(given: str, place: Path) -> str:
    """Name the folder of a trial in one that its study names, or under a URL."""
    if given == _IN_PLACE:
        return str(place)
    if "://" in given:
        return f"{given.rstrip('/')}/{place.parent.name}/{place.name}"
    return str(Path(given).expanduser().absolute() / place.parent.name / place.name)


def set_aside(configuration: Mapping[str, Any], place: Path) -> None:
    """Rename the folders of a trial that begins if they exist: another study of its name has left them.

    Lightning would resume from a checkpoint that `OnExceptionCheckpoint` finds there.
    """
    folders = {str(place)}

    def note(given: str) -> str:
        folders.add(own_folder(given, place))
        return given

    _placed(configuration, place, note)
    for folder in map(Path, folders):
        if "://" not in str(folder) and folder.is_dir() and any(folder.iterdir()):
            number = 1
            while (other := folder.with_name(f"{folder.name}.earlier-{number}")).exists():
                number += 1
            folder.rename(other)


def place_callbacks(callbacks: Iterable[Any], place: Path, own: Own | None = None) -> None:
    """Give checkpoint callbacks that the module itself has made a folder of the trial's own.

    Args:
        callbacks: the trainer's checkpoint callbacks; those that a configuration names have such a folder.
        place: the trial's folder.
        own: gives the folder; None takes `own_folder`.
    """
    end = (place.parent.name, place.name)
    for callback in callbacks:
        given = getattr(callback, "dirpath", None)
        if given and Path(given).parts[-2:] != end and place not in Path(given).absolute().parents:
            callback.dirpath = own(str(given)) if own else own_folder(str(given), place)


def unplaced(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration with everything that writes left to the folder that `at_place` is given."""
    trainer = dict(configuration.get("trainer") or {})
    trainer.pop("default_root_dir", None)
    for key in _WRITERS:
        if key in trainer:
            trainer[key] = _with_paths(trainer[key], lambda _: _IN_PLACE)
    return {**configuration, "trainer": trainer}


def _placed(configuration: Mapping[str, Any], place: Path, own: Own) -> dict[str, Any]:
    trainer = dict(configuration.get("trainer") or {})
    given = trainer.get("default_root_dir")
    trainer["default_root_dir"] = str(place) if given is None else own(str(given))
    for key in set(_WRITERS) - {"logger"}:
        if key in trainer:
            trainer[key] = _with_paths(trainer[key], own)
    if not (logger := trainer.get("logger")):
        return {**configuration, "trainer": trainer}
    package = package_of(configuration)
    if logger is True:
        logger = f"{package}.loggers.{_DEFAULT}"
    if isinstance(logger, list):
        trainer["logger"] = [_placed_logger(item, place, own, package) for item in logger]
    elif isinstance(logger, Mapping | str):
        trainer["logger"] = _placed_logger(logger, place, own, package)
    return {**configuration, "trainer": trainer}


def _with_paths(part: Any, own: Own) -> Any:
    """Give the same part of a configuration with the trial's own paths, at any depth."""
    if isinstance(part, list | tuple):
        return [_with_paths(item, own) for item in part]
    if not isinstance(part, Mapping):
        return part
    return {key: _with_path(str(key), value, own) for key, value in part.items()}


def _with_path(key: str, value: Any, own: Own) -> Any:
    if isinstance(value, str | Path) and _FOLDER.fullmatch(key):
        return own(str(value))
    if isinstance(value, str | Path) and _FILE.fullmatch(key):
        folder, _, name = str(value).rpartition("/")
        return f"{own(folder or '.')}/{name}"
    return _with_paths(value, own)


def _placed_logger(logger: Any, place: Path, own: Own, package: str) -> Any:
    part: dict[str, Any] = {"class_path": logger} if isinstance(logger, str) else {**logger}
    path = str(part.get("class_path"))
    cls = import_class(path if "." in path else f"{package}.loggers.{path}", "trainer.logger")
    names = {parent.__name__ for parent in inspect.getmro(cls)}
    arguments = dict(part.get("init_args") or {})
    if named := next((name for name in _NAMED if name in names), None):
        # The folder of a server is shared by its runs, and a run is found by its name.
        if named in _NAME_KEYS:
            arguments.setdefault(_NAME_KEYS[named], f"{place.parent.name}-{place.name}")
        if named == "WandbLogger":
            arguments.setdefault("group", place.parent.name)
        return {**part, "init_args": arguments}
    arguments = dict(_with_paths(arguments, own))
    if _accepts(cls, "save_dir"):
        arguments.setdefault("save_dir", str(place))
    if names & {*_VERSIONED} and _accepts(cls, "version"):
        arguments.setdefault("version", 0)  # a later attempt goes on in the same folder
    return {**part, "init_args": arguments}


def _accepts(cls: type, name: str) -> bool:
    taken = inspect.signature(cls).parameters
    return name in taken or any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values()
    )
