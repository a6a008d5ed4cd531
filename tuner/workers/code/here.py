"""Studies that only the program that made them can work on."""

from studies.definition.study import StudyDefinition
from tuner.errors import Refused
from tuner.training.process.by_value import missing


def elsewhere(definition: StudyDefinition) -> str | None:
    """Say why this process cannot train a study, as the end of a sentence; None where it can."""
    if not definition.fixed.get("model"):
        return "it names no module, so its trials are trained by a program that asks for them by Study.ask()"
    if gone := missing(definition.to_data()):
        return (
            f"it names {' and '.join(gone)}, which only the notebook or script that made it has; run that "
            "again to go on, or move it to a module of its own and make the study anew"
        )
    return None


def refuse_elsewhere(name: str, definition: StudyDefinition) -> None:
    """Refuse a study that this process cannot train.

    Raises:
        Refused: says where it can be.
    """
    if reason := elsewhere(definition):
        raise Refused(f"The study {name!r} cannot be worked on here: {reason}.")
