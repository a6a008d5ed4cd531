"""The study file of what is asked for, found out in a process of its own."""

from typing import Any

from studies.errors import StudyFileError
from tuner.errors import BadConfiguration
from tuner.preparation.drafting.found import Asked, Found


def draft(asked: Asked, command: str) -> str:
    """Write a study file for a user's classes.

    Args:
        asked: what is asked for.
        command: how it was asked, for the first line of the file.

    Raises:
        StudyFileError: a class does not exist, or does not take its arguments.
        CannotBeMade: LightningCLI itself cannot make the module or the data.
    """
    from tuner.preparation.apart import ask_apart
    from tuner.preparation.drafting.text import study_text
    from tuner.preparation.sources import check_sources

    sections: dict[str, Any] = dict(asked.sections)
    try:
        check_sources(sections)
    except BadConfiguration as error:
        raise StudyFileError(asked.source, "", str(error)) from error
    found: Found = ask_apart(
        "tuner.preparation.drafting.reading.read",
        asked,
        sections,
        source=asked.source,
        silent="its process ended while the classes were read; look at what their modules do when imported.",
    )
    return study_text(found, command)
