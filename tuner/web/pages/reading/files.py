"""The files of a trial that a page offers: those of the list that optuna-dashboard's page has as well."""

import json
from pathlib import Path

from tuner.web.beside.artifacts import listed_of_trial
from tuner.web.files import Files
from tuner.web.known.studies import KnownStudy, Seen

TAIL = 16_000  # bytes of a log that a page shows


def files_of(files: Files, study: KnownStudy, seen: Seen) -> dict[str, str]:
    """Give the identifier of each file of a trial that is there, by the name of the file."""
    listed = listed_of_trial(study.number, study.name, seen.trial, files)
    told = [json.loads(text) for text in listed.values()]
    return {each["filename"]: each["artifact_id"] for each in told}


def tail_of(file: Path) -> tuple[str, bool]:
    """Read the end of a log, from the beginning of a line on; say whether that is all of it."""
    with file.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - TAIL))
        text = log.read(TAIL).decode("utf-8", "replace")
    if size <= TAIL:
        return text, True
    return text.partition("\n")[2] or text, False


def log_of(files: Files, study: str, number: int) -> tuple[str, bool] | None:
    """Read the end of the log of a trial; None where there is none on this machine."""
    file = files.of(study).logs.get(number)
    try:
        return None if file is None else tail_of(file)
    except OSError:  # it was removed meanwhile
        return None
