"""The loggers that a study names, each trial with a place of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAMED = ("WandbLogger", "MLFlowLogger", "CometLogger", "NeptuneLogger")  # a server gives each run a number
_NAME_KEYS = {"WandbLogger": "name", "MLFlowLogger": "run_name"}


def at_place(configuration: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Give the same configuration with loggers and checkpoints that write to a folder of the trial's own.

    A logger that says where to write keeps that, and gets the folder's name as its version.

    Args:
        configuration: LightningCLI's sections.
        place: the folder, called after the trial in a folder called after the study.
    """
    trainer = dict(configuration.get("trainer") or {})
    logger = trainer.get("logger")
    if not logger and not trainer.get("enable_checkpointing"):
        return {**configuration}
    trainer.setdefault("default_root_dir", str(place))
    if isinstance(logger, list):
        trainer["logger"] = [_placed(item, place) for item in logger]
    elif isinstance(logger, Mapping | str):
        trainer["logger"] = _placed(logger, place)
    return {**configuration, "trainer": trainer}


def unplaced(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration with loggers that leave it to `at_place` which folder they write to."""
    trainer = dict(configuration.get("trainer") or {})
    logger = trainer.get("logger")
    if isinstance(logger, list):
        trainer["logger"] = [_unplaced(item) for item in logger]
    elif isinstance(logger, Mapping):
        trainer["logger"] = _unplaced(logger)
    trainer.pop("default_root_dir", None)
    return {**configuration, "trainer": trainer}


def _unplaced(logger: Any) -> Any:
    if not isinstance(logger, Mapping):
        return logger
    arguments = dict(logger.get("init_args") or {})
    return {**logger, "init_args": {key: arguments[key] for key in arguments if key != "save_dir"}}


def _placed(logger: Any, place: Path) -> Any:
    part: dict[str, Any] = {"class_path": logger} if isinstance(logger, str) else {**logger}
    arguments = dict(part.get("init_args") or {})
    name = str(part.get("class_path")).rpartition(".")[2]
    if name in _NAMED:
        if name in _NAME_KEYS:
            arguments.setdefault(_NAME_KEYS[name], f"{place.parent.name}-{place.name}")
    elif "save_dir" in arguments:
        arguments.setdefault("version", place.name)
    else:
        arguments["save_dir"] = str(place)
    return {**part, "init_args": arguments}
