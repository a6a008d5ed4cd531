"""The end of a log, as a page shows it."""

from pathlib import Path

from tuner.web.files import Files

TAIL = 16_000  # bytes of a log that a page shows


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
