"""From a configuration to a module, its data and a trainer, by LightningCLI's own parser.

So a trial trains exactly what `fit --config best.yaml` of plain LightningCLI trains. A module may come from `pytorch_lightning` or
from `lightning.pytorch`; the trainer, the callbacks and LightningCLI are then taken from the package that the module comes from.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any
from unittest.mock import patch

from jsonargparse import ArgumentError
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer

from tuner.training.errors import BadConfiguration

PACKAGES = ("pytorch_lightning", "lightning.pytorch")

# What a search does not want unless the study's `trainer` section asks for it.
TRAINER_DEFAULTS: Mapping[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
_CLASS_SECTIONS = ("model", "data", "optimizer", "lr_scheduler")


@dataclass(frozen=True)
class Assembly:
    """What a configuration makes, not yet trained; `data` is None where the module brings its own loaders."""

    module: LightningModule
    data: LightningDataModule | None
    trainer: Trainer


def assemble(configuration: Mapping[str, Any], callbacks: Sequence[Callback] = ()) -> Assembly:
    """Make what a configuration describes.

    Args:
        configuration: LightningCLI's sections, as plain data.
        callbacks: put beside those that the configuration names.

    Raises:
        BadConfiguration: a class cannot be imported or does not take its arguments; names the key and the remedy.
    """
    check_names(configuration)
    cli = importlib.import_module(f"{package_of(configuration)}.cli")
    try:
        with _no_command_line():
            made = cli.LightningCLI(
                args=dict(configuration),
                run=False,
                save_config_callback=None,
                seed_everything_default=False,
                trainer_defaults={**TRAINER_DEFAULTS, "callbacks": list(callbacks)},
                parser_kwargs={"exit_on_error": False},
                subclass_mode_model=True,
                subclass_mode_data=True,
            )
    except ArgumentError as error:
        raise _explained(str(error)) from error
    return Assembly(made.model, made.datamodule, made.trainer)


@contextmanager
def _no_command_line() -> Iterator[None]:
    # LightningCLI warns where it is given arguments while the program has some of its own, as `tuner run digits` has.
    with patch.object(sys, "argv", sys.argv[:1]):
        yield


def import_class(class_path: str, key: str) -> type:
    """Import a class by its path.

    Args:
        class_path: `package.module.Class`.
        key: the configuration key that names it, for the message.

    Raises:
        BadConfiguration: there is no such module or class.
    """
    module_name, _, name = class_path.rpartition(".")
    if not module_name:
        raise BadConfiguration(
            key, f"{class_path!r} must be an import path, such as package.module.{class_path}."
        )
    module = _import(module_name, class_path, key)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        near = get_close_matches(name, [n for n, v in vars(module).items() if isinstance(v, type)], n=1)
        hint = f"did you mean {module_name}.{near[0]}?" if near else f"check what {module_name} defines."
        raise BadConfiguration(key, f"module {module_name} has no class {name!r}; {hint}")
    return found


def _import(module_name: str, class_path: str, key: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        missing = getattr(error, "name", None) or module_name
        remedy = (
            "install it, or run from the folder that holds it" if missing in module_name else "install it"
        )
        raise BadConfiguration(key, f"{class_path} cannot be imported: {error}; {remedy}.") from error


def package_of(configuration: Mapping[str, Any]) -> str:
    """Name the Lightning that a configuration's module comes from."""
    module = import_class(configuration["model"]["class_path"], "model.class_path")
    origins = [parent.__module__ for parent in inspect.getmro(module)]
    for package in PACKAGES:
        if any(origin == package or origin.startswith(f"{package}.") for origin in origins):
            return package
    raise BadConfiguration(
        "model.class_path", f"{module.__name__} is no LightningModule; name a subclass of LightningModule."
    )


def check_names(configuration: Mapping[str, Any]) -> None:
    """Refuse classes that do not exist and arguments that they do not take, before anything is made.

    Raises:
        BadConfiguration: the first such name.
    """
    package = importlib.import_module(package_of(configuration))
    _check_arguments(package.Trainer, configuration.get("trainer") or {}, "trainer")
    for section in _CLASS_SECTIONS:
        part = configuration.get(section)
        if part is None:
            continue
        if isinstance(part, str):
            part = {"class_path": part}  # noqa: PLW2901 - LightningCLI's own short form
        if not isinstance(part, Mapping) or not isinstance(part.get("class_path"), str):
            raise BadConfiguration(
                section, f"must be {{class_path: ..., init_args: {{...}}}}, but got {part!r}."
            )
        unknown = sorted(set(part) - {"class_path", "init_args"})
        if unknown:
            raise BadConfiguration(
                f"{section}.{unknown[0]}", "is not known; put the class's arguments under `init_args`."
            )
        cls = import_class(part["class_path"], f"{section}.class_path")
        _check_arguments(cls, part.get("init_args") or {}, f"{section}.init_args")


def _check_arguments(cls: type, given: Mapping[str, Any], key: str) -> None:
    if not isinstance(given, Mapping):
        raise BadConfiguration(key, f"must map arguments to values, but got {given!r}.")
    taken = inspect.signature(cls).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        return  # the parser follows **kwargs better than we could
    for name in given:
        if name not in taken:
            near = get_close_matches(str(name), taken, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(taken) or 'none'}."
            raise BadConfiguration(f"{key}.{name}", f"{cls.__name__} takes no such argument; {hint}")


def _explained(message: str) -> "BadConfiguration":
    """Make one sentence of jsonargparse's nested account: the key, what was expected, what was given."""
    keys = re.findall(r'Parser key "([\w.]+)"', message)
    key = ".init_args.".join(keys) if len(keys) > 1 else (keys[0] if keys else "")
    expected = list(dict.fromkeys(re.findall(r"Expected an? <class '([\w.]+)'>", message)))
    given = re.findall(r"(?:Given value|Got value): (.+)", message)
    kinds = [_KINDS.get(name, name) for name in expected if name != "NoneType" or len(expected) == 1]
    if key and kinds and given and not given[0].startswith("{"):
        return BadConfiguration(key, f"must be {' or '.join(dict.fromkeys(kinds))}, but got {given[0]}.")
    if not key:
        required = re.search(r'Key "([\w.]+)" is required|required: ([\w., ]+)', message)
        key = next(filter(None, required.groups()), "") if required else ""
        if key:
            return BadConfiguration(key, "is missing, and the class needs it.")
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    telling = [
        line for line in lines if line not in _STRUCTURE and not line.startswith(_STRUCTURE_STARTS)
    ] or lines
    return BadConfiguration(key or "configuration", f"{telling[0].rstrip('.')}.")


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "NoneType": "null",
}
_STRUCTURE = ("Errors:", "Does not validate against any of the Union subtypes")
_STRUCTURE_STARTS = ("Parser key", "Subtypes:", "Problem with given class_path", "Given value")
