"""From a study file to a study that is sure to run: classes imported, the exposed space read, one batch trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.configuration import configure
from search_spaces.parameters import default_values, options, parameters
from search_spaces.space import Choice, Group, Value
from studies.definition import StudyDefinition, define
from studies.errors import StudyFileError
from studies.study_file import StudyFile
from tuner.training.class_paths import check_names, import_class
from tuner.training.errors import BadConfiguration, MetricNotLogged
from tuner.training.fit import Ending, fit
from tuner.training.task import Task


def prepare(file: StudyFile) -> StudyDefinition:
    """Make the definition that a study file describes, and check everything that can be checked without
    training.

    Raises:
        StudyFileError: names the file, the key and the remedy.
    """
    try:
        definition = define(file, exposed_space)
        check_names(configure(definition.fixed, definition.space, default_values(definition.space)))
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error
    return definition


def exposed_space(class_path: str) -> Group | None:
    """Give the space that a module exposes by a static method `search_space()`, or None."""
    module = import_class(class_path, "model.class_path")
    expose = getattr(module, "search_space", None)
    if expose is None:
        return None
    space = expose()
    if not isinstance(space, Group):
        raise BadConfiguration("model.class_path", f"{module.__name__}.search_space() must return a Group, but gave {space!r}.")
    return space


@dataclass(frozen=True)
class Rehearsal:
    """One branch of the space, and how a batch of it went: the cause is empty where it went well."""

    choice: str
    branch: str
    cause: str


def rehearse(file: StudyFile, definition: StudyDefinition) -> None:
    """Train one batch of the defaults, so that a study that cannot run is refused before it is made.

    Raises:
        StudyFileError: the data cannot be read, the module does not train, or the metric is not logged.
    """
    cause = _cause(definition, default_values(definition.space))
    if cause:
        raise StudyFileError(file.source, *cause)


def rehearse_branches(definition: StudyDefinition) -> Iterator[Rehearsal]:
    """Train one batch of every branch of every choice, each beside the defaults of the rest."""
    for choice, branch, values in branches(definition.space):
        cause = _cause(definition, values)
        yield Rehearsal(choice, branch, ": ".join(part for part in cause if part) if cause else "")


def branches(space: Group) -> Iterator[tuple[str, str, dict[str, Value]]]:
    """Go through every branch of every choice, with values that take it."""
    listed = parameters(space)
    for parameter in listed:
        if not isinstance(parameter.node, Choice):
            continue
        for branch in options(parameter.node):
            needed = {name: allowed[0] for name, allowed in parameter.conditions.items()}
            yield parameter.name, str(branch), default_values(space, {**needed, parameter.name: branch})


def _cause(definition: StudyDefinition, values: Mapping[str, Value]) -> tuple[str, str] | None:
    settings = definition.settings
    task = Task(
        _shortened(configure(definition.fixed, definition.space, values)),
        seed=settings.seed,
        metric=settings.metric,
        minimizes=settings.direction == "minimize",
        diverged_beyond=None,
    )
    try:
        result = fit(task, lambda *_: False)
    except BadConfiguration as error:
        return "", str(error)
    except MetricNotLogged as error:
        return "study.metric", str(error)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is told in one sentence
        return "model", f"one batch of training ended with {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
    if result.ending is Ending.COMPLETED and result.score is None:
        return "trainer", "the fit ended without a validation, so no trial would have a score; give the data a validation part."
    return None


def _shortened(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same configuration for one batch: of training, of validation."""
    one_batch = {"max_epochs": 1, "max_steps": -1, "limit_train_batches": 1, "limit_val_batches": 1, "check_val_every_n_epoch": 1}
    trainer = {**(configuration.get("trainer") or {}), **one_batch, "val_check_interval": None, "accumulate_grad_batches": 1}
    return {**configuration, "trainer": trainer}


def renamed(definition: StudyDefinition, *, name: str | None, trials: int | None) -> StudyDefinition:
    """Give the definition under another name or with another budget."""
    settings = definition.settings
    return replace(
        definition,
        settings=replace(settings, name=name or settings.name, trials=settings.trials if trials is None else trials),
    )
