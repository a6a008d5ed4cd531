"""From a study file to a study that is sure to run: classes imported, its space read, some steps trained."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from search_spaces.catalogue.registry import made_for
from search_spaces.configuration import configure
from search_spaces.space.nodes import Categorical, Choice, Group, Value
from search_spaces.space.parameters import default_values, options, parameters
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import StudyFile
from studies.errors import BadLength, StudyFileError
from tuner.errors import BadConfiguration
from tuner.training.assignment import Assignment
from tuner.training.configuration.class_paths import check_names, import_class
from tuner.training.ends import Fit, Raised, TimedOut, Vanished
from tuner.training.messages import Rehearsed, Unfit
from tuner.workers.code.imports import refuse_deadly
from tuner.workers.desk import objective_of
from tuner.workers.processes import executor


def prepare(file: StudyFile) -> StudyDefinition:
    """Make the definition that a study file describes, checked as far as can be without training.

    Raises:
        StudyFileError: names the file, the key and the remedy.
    """
    refuse_deadly(file)
    try:
        with _undisturbed():
            definition = define(file, exposed_space)
            defaults = configure(definition.fixed, definition.space, default_values(definition.space))
            check_names(defaults)
            TrialLength.of(defaults)
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error
    except BadLength as error:
        raise StudyFileError(file.source, error.key, error.message) from error
    return definition


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Undo what the import of a user's module changes of this process: the folder, signals, the output."""
    folder, streams = Path.cwd(), (sys.stdin, sys.stdout, sys.stderr)
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        os.chdir(folder)
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, handler in handlers.items() if is_main else ():
            signal.signal(number, handler)


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
    """One branch or value of a choice, and how a rehearsal of it went.

    The cause is empty where it went well. The remark says what could not be seen, `inexact` why a trial that
    is interrupted may end otherwise than one that is not.
    """

    choice: str
    branch: str
    cause: str
    remark: str = ""
    inexact: tuple[str, ...] = ()


def rehearse(
    file: StudyFile, definition: StudyDefinition, stop: threading.Event | None = None
) -> Rehearsed | None:
    """Train the defaults for some steps, so that a study that cannot run is refused before it is made.

    Args:
        file: where the definition comes from.
        definition: the study.
        stop: is set to end at once.

    Returns: What was seen; None where `stop` came first.

    Raises:
        StudyFileError: the data cannot be read, the module does not train, or the metric is not logged.
    """
    seen = _tried(definition, default_values(definition.space), stop or threading.Event())
    if isinstance(seen, Unfit):
        error = StudyFileError(file.source, seen.key, seen.reason)
        raise error from (InTraining(seen.traceback) if seen.traceback else None)
    return None if seen is None else _measured(file, definition, seen)


def _measured(file: StudyFile, definition: StudyDefinition, seen: Rehearsed) -> Rehearsed:
    """Add to what was seen what follows from the length of a trial."""
    length = TrialLength.of(configure(definition.fixed, definition.space, default_values(definition.space)))
    if seen.size is not None:
        length = length.told(**vars(seen.size))
    if definition.settings.epochs is not None and length.is_told and not length.counts_epochs:
        raise StudyFileError(
            file.source, "study.epochs", "cannot be counted, since nobody knows how many epochs lie between "
            "two validations; set trainer.limit_train_batches, or limit the study by trials or hours."
        )  # fmt: skip
    unpruned = length.why_unpruned if definition.pruner is None else ""
    return replace(seen, remark=" ".join(filter(None, (seen.remark, unpruned))))


class InTraining(Exception):
    """What a process of its own raised; as a cause it shows the traceback that the process had."""

    def __str__(self) -> str:
        """Give the traceback as a block of its own."""
        return f"\n{self.args[0]}"


def rehearse_branches(definition: StudyDefinition) -> Iterator[Rehearsal]:
    """Train some steps of every branch of every choice, each beside the defaults of the rest."""
    for choice, branch, values in branches(definition.space):
        seen = _tried(definition, values, threading.Event())
        if isinstance(seen, Unfit):
            yield Rehearsal(choice, branch, ": ".join(filter(None, (seen.key, seen.reason))))
        else:
            yield Rehearsal(choice, branch, "", *((seen.remark, seen.inexact) if seen else ()))


def branches(space: Group) -> Iterator[tuple[str, str, dict[str, Value]]]:
    """Go through every branch or value of every choice, with values that take it."""
    listed = parameters(space)
    for parameter in listed:
        if not isinstance(parameter.node, Choice | Categorical):
            continue
        for branch in options(parameter.node):
            needed = {name: allowed[0] for name, allowed in parameter.conditions.items()}
            yield parameter.name, str(branch), default_values(space, {**needed, parameter.name: branch})


def _tried(
    definition: StudyDefinition, values: Mapping[str, Value], stop: threading.Event
) -> Rehearsed | Unfit | None:
    """Train some steps in a process of its own; None where `stop` came first."""
    settings = definition.settings
    assignment = Assignment(
        configure(definition.fixed, definition.space, values),
        seed=settings.seed,
        objective=objective_of(definition),
        threads=settings.threads,
        facts=False,
    )
    match executor.rehearse(assignment, stop):
        case Rehearsed() | Unfit() as seen:
            return seen
        case Fit():
            return None
        case Vanished(cause=cause, out_of_memory=out_of_memory):
            remedy = "; make the model or the batch smaller" if out_of_memory else ""
            return Unfit(
                "model", f"the process that tried a few steps of training is gone: {cause}{remedy}.", ""
            )
        case TimedOut(cause=cause):
            return Unfit("model", f"{cause}.", "")
        case Raised(cause=cause, traceback=trace):
            return Unfit("model", f"a few steps of training ended with {cause}.", trace)
