"""From a configuration to a module, its data and a trainer, by LightningCLI's own parser.

So a trial trains exactly what `fit --config best.yaml` of plain LightningCLI trains. A module may come from
`pytorch_lightning` or from `lightning.pytorch`; the trainer, the callbacks and LightningCLI are then taken
from the package that the module comes from.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer

from tuner.errors import NotAllowed
from tuner.training.configuration.class_paths import check_data, check_names, import_cli, package_of
from tuner.training.configuration.links import linking_named_classes
from tuner.training.configuration.refusals import denied_path, explain, explain_making
from tuner.training.configuration.trainer_defaults import TRAINER_DEFAULTS
from tuner.training.fitting.quiet import silence_lightning

_OURS = ("tuner.callbacks", "tuner.data")  # each has a module `lightning_pytorch` of the same classes
_OTHER = "lightning_pytorch"


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
        BadConfiguration: a class cannot be imported or does not take its arguments; names key and remedy.
        NotAllowed: the process may not import what a text of the configuration stands for.
    """
    check_names(configuration)
    configuration = for_package(configuration)
    silence_lightning()  # here, because a Lightning that is imported only now has just raised its voice
    check_data(configuration)
    quiet: Any = _quiet_cli(package_of(configuration), import_cli(configuration))
    with _explained(quiet, configuration):
        made = _start(quiet, configuration, callbacks)
    return Assembly(made.model, made.datamodule, made.trainer)


@contextmanager
def _explained(quiet: Any, configuration: Mapping[str, Any]) -> Iterator[None]:
    """Say in one sentence what is wrong with a configuration that is read, and made, within."""
    quiet.failed.clear()
    try:
        yield
    except ArgumentError as error:
        if denied := denied_path(str(error)):
            raise NotAllowed(f"it names {denied}, which this worker may not import") from error
        raise explain(str(error)) from error
    except Exception as error:
        if not quiet.failed:
            raise
        cls, cause = quiet.failed[0]
        raise explain_making(cls, cause, configuration) from error
    finally:
        quiet.failed.clear()


def check_readable(configuration: Mapping[str, Any]) -> None:
    """Read a configuration, and make nothing of it.

    Raises:
        BadConfiguration: a class does not take its arguments; names key and remedy.
    """
    check_names(configuration)
    with _explained(
        _quiet_cli(package_of(configuration), import_cli(configuration)), for_package(configuration)
    ):
        read(configuration)


def read(configuration: Mapping[str, Any]) -> None:
    """Read a configuration as `assemble` does, and make nothing of it.

    A fork server does so once, because the first reading takes several times as long as each that follows, in
    its children too.
    """
    configuration = for_package(configuration)
    quiet: Any = _quiet_cli(package_of(configuration), import_cli(configuration))
    _start(type("Reader", (quiet,), {"instantiate_classes": lambda self: None}), configuration)


def _start(
    cli: Callable[..., Any], configuration: Mapping[str, Any], callbacks: Sequence[Callback] = ()
) -> Any:
    return cli(
        # A copy, because the parser changes lists in place.
        args=deepcopy({section: part for section, part in configuration.items() if section != "cli"}),
        run=False,
        save_config_callback=None,
        seed_everything_default=False,
        trainer_defaults={**TRAINER_DEFAULTS, "callbacks": list(callbacks)},
        parser_kwargs={"exit_on_error": False},
        subclass_mode_model=True,
        subclass_mode_data=True,
    )


def for_package(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Name callbacks and data of ours by their counterparts where the module is of `lightning.pytorch`."""
    if package_of(configuration) == "pytorch_lightning":
        return dict(configuration)

    def translated(part: Any) -> Any:
        if isinstance(part, Mapping):
            package, _, name = str(part.get("class_path")).rpartition(".")
            ours = next((home for home in _OURS if f"{package}.".startswith(f"{home}.")), None)
            is_there = ours is not None and hasattr(importlib.import_module(f"{ours}.{_OTHER}"), name)
            other = {"class_path": f"{ours}.{_OTHER}.{name}"} if is_there else {}
            return {key: translated(value) for key, value in part.items()} | other
        return [translated(item) for item in part] if isinstance(part, list) else part

    return {section: translated(part) for section, part in configuration.items()}


@cache
def _quiet_cli(package: str, own: type | None = None) -> Callable[..., Any]:
    """Give a LightningCLI that never looks at the command line, of which it would warn.

    Args:
        package: the Lightning that it is of.
        own: a subclass of its LightningCLI, whose links and defaults are wanted.
    """
    made: list[Any] = []
    failed: list[tuple[type, BaseException]] = []  # classes that could not be made, and why

    def setup_parser(self: Any, *arguments: Any) -> None:
        # One parser serves every assembly: to read the signatures of the trainer and of all that it takes
        # costs a third of one.
        if not made:
            base.setup_parser(self, *arguments)
            made.append(self.parser)
            add = self.parser.add_instantiator
            self.parser.add_instantiator = lambda instantiator, *rest, **options: add(
                _recorded(instantiator, failed), *rest, **options
            )
        self.parser = made[0]

    def init_parser(self: Any, **kwargs: Any) -> Any:
        return linking_named_classes(base.init_parser(self, **kwargs))

    def parse_arguments(self: Any, parser: ArgumentParser, args: dict[str, Any]) -> None:
        self.config = parser.parse_object(args)
        self.given = args
        # What `save_hyperparameters` keeps. LightningCLI would write it as YAML and check once more what has
        # been checked just now.
        dump = parser.dump(
            self.config, format="json", skip_validation=True, skip_unset=False, skip_link_targets=False
        )
        self.config_dump = json.loads(dump)

    def before_instantiate_classes(self: Any) -> None:
        # Behind LightningCLI's own for the module and the data, which keep their hyperparameters.
        self.parser.add_instantiator(_make, object)
        base.before_instantiate_classes(self)

    def instantiate_trainer(self: Any, **kwargs: Any) -> Trainer:
        # `typing` remembers the first of `Optional[Union[int, float]]` and `Optional[Union[float, int]]` for
        # both. If a library with the second was imported before Lightning, the trainer's `1` batch is read as
        # `1.0`, which means all of them.
        given = self.given.get("trainer", {})
        whole = {key: value for key, value in given.items() if isinstance(value, int)}
        # A callback that a study names asks for what a search switches off.
        made = self.config_init.get("trainer.callbacks") or []
        made = made if isinstance(made, list) else [made]
        for key, kind in wanted.items():
            if key not in given and any(isinstance(callback, kind) for callback in made):
                whole[key] = True
        trainer: Trainer = base.instantiate_trainer(self, **whole, **kwargs)
        return trainer

    callbacks = importlib.import_module(f"{package}.callbacks")
    wanted = {"enable_checkpointing": callbacks.Checkpoint, "enable_progress_bar": callbacks.ProgressBar}
    base: Any = own or importlib.import_module(f"{package}.cli").LightningCLI
    overridden = (init_parser, setup_parser, parse_arguments, before_instantiate_classes, instantiate_trainer)
    methods: dict[str, Any] = {method.__name__: method for method in overridden}
    return type("QuietCLI", (base,), {**methods, "failed": failed})


def _recorded(
    instantiator: Callable[..., Any], failed: list[tuple[type, BaseException]]
) -> Callable[..., Any]:
    """Note what a class raises: jsonargparse catches it, and tells it in many words or not at all."""

    @wraps(instantiator)
    def instantiate(cls: type, *args: Any, **kwargs: Any) -> Any:
        try:
            return instantiator(cls, *args, **kwargs)
        except Exception as error:
            failed.append((cls, error))
            raise

    return instantiate


def _make(cls: type, *args: Any, **kwargs: Any) -> Any:
    return cls(*args, **kwargs)
