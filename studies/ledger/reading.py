"""Reading what the database holds of a study, whoever wrote it: what is damaged is refused in a sentence."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from search_spaces.errors import first_line
from studies.database.identity import DEFINITION, VERSION
from studies.definition.study import StudyDefinition
from studies.errors import UnusableStudy


def attributes_of(study: Study) -> Mapping[str, Any]:
    """Read the attributes of a study.

    Raises:
        UnusableStudy: one of them is damaged.
    """
    try:
        attributes: Mapping[str, Any] = study.user_attrs
    except ValueError as error:
        raise UnusableStudy(
            f"An attribute of the study {study.study_name!r} in the database is no JSON; "
            f"delete the study, and make it again from its file."
        ) from error
    return attributes


def trials_of(study: Study) -> list[FrozenTrial]:
    """Read every trial of a study, whoever made it.

    Raises:
        UnusableStudy: one of them is damaged.
    """
    try:
        return study.get_trials(deepcopy=False)
    except (ValueError, TypeError) as error:
        raise unreadable(study.study_name, error) from error


def unreadable(name: str, error: Exception) -> UnusableStudy:
    """Give the error of a study of which a trial is damaged."""
    return UnusableStudy(
        f"A trial of the study {name!r} in the database cannot be read: {first_line(error)}; "
        f"delete the study, and make it again from its file."
    )


def definition_in(name: str, attributes: Mapping[str, Any]) -> StudyDefinition:
    """Read the definition that stands in the attributes of a study.

    Raises:
        UnusableStudy: it cannot be read; the message says who wrote it, where that is known.
    """
    here, there = version("interplay-tuner"), attributes.get(VERSION)
    try:
        return StudyDefinition.from_data(attributes.get(DEFINITION))
    except Exception as error:
        reason = first_line(error)
        if there != here:
            raise UnusableStudy(
                f"The study {name!r} was made by interplay-tuner {there}, and this is {here}, which cannot "
                f"read its definition ({reason}); use that version: pip install interplay-tuner=={there}."
            ) from error
        raise UnusableStudy(
            f"The definition of the study {name!r} in the database is damaged: {reason}; "
            f"delete the study, and make it again from its file."
        ) from error
