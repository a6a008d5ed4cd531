"""A few steps of training before a study is made, so that one that cannot run is refused."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from search_spaces.configuration import configure
from search_spaces.space.nodes import Categorical, Choice, Group, Value
from search_spaces.space.parameters import default_values, options, parameters
from studies.definition.length import TrialLength
from studies.definition.limits import kept_metrics
from studies.definition.repetition import Repetition
from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile
from studies.errors import StudyFileError
from tuner.preparation.apart import InOtherProcess
from tuner.training.assignment import Assignment
from tuner.training.ends import Fit, Raised, TimedOut, Vanished
from tuner.training.messages import Rehearsed, Unfit
from tuner.workers.desk import objective_of
from tuner.workers.processes import executor


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
    file: StudyFile,
    definition: StudyDefinition,
    stop: threading.Event | None = None,
    gpus: str | None = None,
) -> Rehearsed | None:
    """Train the defaults for some steps, so that a study that cannot run is refused before it is made.

    Args:
        file: where the definition comes from.
        definition: the study.
        stop: is set to end at once.
        gpus: those that it may see; None lets it see all.

    Returns: What was seen; None where `stop` came first.

    Raises:
        StudyFileError: the data cannot be read, the module does not train, or the metric is not logged.
    """
    seen = _tried(definition, default_values(definition.space), stop or threading.Event(), gpus)
    if isinstance(seen, Unfit):
        error = StudyFileError(file.source, seen.key, seen.reason)
        raise error from (InOtherProcess(seen.traceback) if seen.traceback else None)
    return None if seen is None else _measured(file, definition, seen)


def _measured(file: StudyFile, definition: StudyDefinition, seen: Rehearsed) -> Rehearsed:
    """Add to what was seen what follows from the length of a trial."""
    length = TrialLength.of(configure(definition.fixed, definition.space, default_values(definition.space)))
    if seen.size is not None:
        length = length.told(**vars(seen.size))
    if definition.settings.epochs is not None and length.is_told and not length.counts_epochs:
        raise StudyFileError(
            file.source,
            "study.epochs",
            "cannot be counted, since nobody knows how many epochs lie between "
            "two validations; set trainer.limit_train_batches, or limit the study by trials or hours.",
        )
    unpruned = length.why_unpruned if definition.pruner is None else ""
    return replace(seen, remark=" ".join(filter(None, (seen.remark, unpruned))))


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
    definition: StudyDefinition,
    values: Mapping[str, Value],
    stop: threading.Event,
    gpus: str | None = None,
) -> Rehearsed | Unfit | None:
    """Train some steps in a process of its own; None where `stop` came first."""
    settings = definition.settings
    configuration = configure(definition.fixed, definition.space, values)
    assignment = Assignment(
        Repetition.of(settings.repeats).configuration(configuration, 0),
        seed=settings.seed,
        objective=objective_of(definition),
        threads=settings.threads,
        facts=False,
        gpus=gpus,
        metrics=kept_metrics(settings.keep_metrics, settings.limits),
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
