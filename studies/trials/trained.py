"""What a trial trained, by the definition of its study."""

from collections.abc import Mapping

from search_spaces.configuration import Configuration, configure
from search_spaces.space.nodes import Float, Group, Int, Node, Value
from search_spaces.space.parameters import options, parameters
from studies.definition.length import TrialLength
from studies.definition.repetition import Repetition
from studies.definition.study import StudyDefinition
from studies.errors import UnusableStudy
from studies.trials.record import TrialRecord


def trained(definition: StudyDefinition, trial: TrialRecord) -> Configuration:
    """Give the configuration of a trial; of one that is trained on several folds that of the last one done.

    A trial keeps it as an attribute too, for people. Anyone may have written that, so what is trained, tested
    or exported follows from the definition, which was compared with the study file or judged.

    Raises:
        UnusableStudy: the trial has a value that the space of the study does not hold.
    """
    values = _values(definition.space, trial.values)
    if values is None:
        raise UnusableStudy(
            f"Trial {trial.number} has values that the space of {definition.settings.name!r} does not hold; "
            "it is no trial of this study."
        )
    whole = configure(definition.fixed, definition.space, values)
    return Repetition.of(definition.settings.repeats).configuration(whole, trial.last_training)


def planned_validations(definition: StudyDefinition, trial: TrialRecord | None = None) -> int | None:
    """Give how many validations a trial has that runs to its end; None where that is not known.

    Args:
        definition: the study.
        trial: one that has told how many it has; without it the `trainer` section has to say.
    """
    told = None if trial is None else trial.validations
    return TrialLength.of(definition.fixed).validations if told is None else told


def _values(space: Group, given: Mapping[str, Value]) -> dict[str, Value] | None:
    values: dict[str, Value] = {}
    for parameter in parameters(space):
        if parameter.is_active(values):
            name = parameter.name
            if name not in given or not _holds(parameter.node, given[name]):
                return None
            values[name] = given[name]
    return values


def _holds(node: Node, value: Value) -> bool:
    if isinstance(node, Float | Int):
        return isinstance(value, int | float) and node.low <= value <= node.high
    return value in options(node)
