"""From a study file to a study that is sure to run: classes imported, its space read, one batch trained."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search_spaces.catalogue import made_for
from search_spaces.configuration import configure
from search_spaces.errors import first_line
from search_spaces.parameters import default_values, options, parameters
from search_spaces.space import Categorical, Choice, Group, Value
from studies.definition import StudyDefinition, define
from studies.errors import StudyFileError
from studies.study_file import StudyFile
from tuner.training.assembly import assemble
from tuner.training.class_paths import PACKAGES, check_names, import_class
from tuner.training.errors import BadConfiguration, BadData, MetricNotLogged
from tuner.training.fit import fit
from tuner.training.loggers import unplaced
from tuner.training.ranks import on_one_device
from tuner.training.task import Task


def prepare(file: StudyFile) -> StudyDefinition:
    """Make the definition that a study file describes, checked as far as can be without training.

    Raises:
        StudyFileError: names the file, the key and the remedy.
    """
    try:
        definition = define(file, exposed_space)
        check_names(configure(definition.fixed, definition.space, default_values(definition.space)))
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error
    return definition


def exposed_space(class_path: str, epochs: int | None = None) -> Group | None:
    """Give the space that a module exposes by a static method `search_space()`, or None.

    A method that takes `epochs` hears how many a trial has, if that is known.
    """
    module = import_class(class_path, "model.class_path")
    expose = getattr(module, "search_space", None)
    if expose is None:
        return None
    space = made_for(expose, epochs)
    if not isinstance(space, Group):
        raise BadConfiguration(
            "model.class_path", f"{module.__name__}.search_space() must return a Group, but gave {space!r}."
        )
    return space


@dataclass(frozen=True)
class Rehearsal:
    """One branch or value of a choice, and how a batch of it went: the cause is empty where it went well."""

    choice: str
    branch: str
    cause: str


def rehearse(
    file: StudyFile, definition: StudyDefinition, time_left: Callable[[], float | None] = lambda: None
) -> None:
    """Train one batch of the defaults, so that a study that cannot run is refused before it is made.

    Raises:
        StudyFileError: the data cannot be read, the module does not train, or the metric is not logged.
    """
    values = default_values(definition.space)
    try:
        # As it stands first: what shortening it to one batch replaces may be wrong too.
        _check_optimizer(
            assemble(on_one_device(configure(definition.fixed, definition.space, values))).module
        )
        _train_one_batch(definition, values, time_left)
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error
    except _DoesNotTrain as error:
        raise StudyFileError(file.source, error.key, error.reason) from error


def _check_optimizer(module: Any) -> None:
    # LightningCLI gives the module a `configure_optimizers` where the configuration names an optimizer.
    if module.configure_optimizers.__module__.startswith(tuple(f"{name}.core." for name in PACKAGES)):
        raise BadConfiguration(
            "optimizer",
            f"is missing, and {type(module).__name__} has no `configure_optimizers`; write such as "
            f"`optimizer: {{class_path: torch.optim.AdamW}}`, or use a space with optimizers: recipe.quick.",
        )


def rehearse_branches(definition: StudyDefinition) -> Iterator[Rehearsal]:
    """Train one batch of every branch of every choice, each beside the defaults of the rest."""
    for choice, branch, values in branches(definition.space):
        try:
            _train_one_batch(definition, values)
        except _DoesNotTrain as error:
            yield Rehearsal(choice, branch, ": ".join(filter(None, (error.key, error.reason))))
        else:
            yield Rehearsal(choice, branch, "")


def branches(space: Group) -> Iterator[tuple[str, str, dict[str, Value]]]:
    """Go through every branch or value of every choice, with values that take it."""
    listed = parameters(space)
    for parameter in listed:
        if not isinstance(parameter.node, Choice | Categorical):
            continue
        for branch in options(parameter.node):
            needed = {name: allowed[0] for name, allowed in parameter.conditions.items()}
            yield parameter.name, str(branch), default_values(space, {**needed, parameter.name: branch})


class _DoesNotTrain(Exception):
    """A batch could not be trained; `key` is the part of the study file to look at."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


def _train_one_batch(
    definition: StudyDefinition,
    values: Mapping[str, Value],
    time_left: Callable[[], float | None] = lambda: None,
) -> None:
    settings = definition.settings
    configuration = unplaced(_shortened(configure(definition.fixed, definition.space, values)))
    task = Task(
        on_one_device(configuration),
        seed=settings.seed,
        metric=settings.metric,
        minimizes=settings.direction == "minimize",
        threads=settings.threads,
    )
    try:
        with TemporaryDirectory() as folder:  # for what loggers write: nobody asked for curves of one batch
            fit(replace(task, place=Path(folder) / settings.name / "rehearsal"), lambda *_: False, time_left)
    except BadConfiguration as error:
        raise _DoesNotTrain("", str(error)) from error
    except MetricNotLogged as error:
        raise _DoesNotTrain("study.metric", str(error)) from error
    except BadData as error:
        raise _DoesNotTrain("data", str(error)) from error
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        raise _DoesNotTrain(
            _place(error, definition),
            f"one batch of training ended with {said}; `tuner --debug` shows where.",
        ) from error


def _place(error: Exception, definition: StudyDefinition) -> str:
    """Name the section whose class raised an error: the data's if its code did, else the model's."""
    package = (definition.fixed.get("data") or {}).get("class_path", "").rpartition(".")[0]
    raised_in = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    is_datas = any(name == package or name.startswith(f"{package}.") for name in raised_in)
    return "data" if is_datas else "model"


def _shortened(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for one batch: of training, of validation."""
    one_batch = {
        "max_epochs": 1,
        "max_steps": -1,
        "limit_train_batches": 1,
        "limit_val_batches": 1,
        "check_val_every_n_epoch": 1,
    }
    trainer = {
        **(configuration.get("trainer") or {}),
        **one_batch,
        "val_check_interval": None,
        "accumulate_grad_batches": 1,
    }
    return {**configuration, "trainer": trainer}
