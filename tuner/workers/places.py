"""Where what belongs to a study lies: a folder whose name cannot lead anywhere else."""

import hashlib
import os
import re
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from studies.definition.settings import PLAIN
from studies.ledger.fleet.workers import host_name
from studies.trials.record import TrialRecord
from tuner.errors import Refused

LOG_FILES = "logs"  # folder beside the results
_LONGEST = 200  # characters; file systems take 255 bytes
_LONGEST_PATH = 1000  # characters of a path that a database names
_WORKER = re.compile(r"[^@]*@(.+):\d+", re.DOTALL)  # as `worker_name` writes it


def folder_name(study: str) -> str:
    """Give the name of a study's folder: the study's own, or a digest where a folder cannot be called so.

    A study of a database may have been named by anyone: `../precious`, `/etc`, a text with line breaks. No
    name that a study file may give begins with an underscore, so a digest stands for no other study.
    """
    if len(study) <= _LONGEST and PLAIN.fullmatch(study):
        return study
    return f"_study-{hashlib.sha256(study.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def refuse_unwritable(output: Path) -> None:
    """Refuse a place for the results that cannot be made, before anything is made."""
    place = output.absolute()
    while not (os.path.lexists(place) or place == place.parent):
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        why = "may not be written to" if place.is_dir() else "is no folder"
        raise Refused(
            f"--output: {output} cannot be written: {place} {why}; name another folder: --output FOLDER."
        )


def refuse_unreachable(checkpoints: str | None) -> None:
    """Refuse a place for checkpoints that takes no file, before anything is trained that would lie there."""
    from tuner.training.resuming.checkpoints import why_unreachable

    if checkpoints is not None and (reason := why_unreachable(checkpoints)):
        raise Refused(
            f"--checkpoints: {checkpoints} takes no file: {reason}; name another folder or URL, or leave it "
            f"out."
        )


def results_folder(output: Path, study: str) -> Path:
    """Make the folder of a study's results now, so that no hour of training ends with nowhere to write.

    Returns: The folder as an absolute path: the code of a study may change the working directory.
    """
    folder = output / folder_name(study)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"--output: {folder} cannot be written: {error.strerror}; name another folder: --output FOLDER."
        ) from error
    return folder.absolute()


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless it is there; another worker may remove it while it is empty.

    Raises:
        OSError: it cannot be made, such as where a file lies in its place.
    """
    while True:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            if path.exists():
                raise
        else:
            return


def log_name(number: int) -> str:
    """Name the file that takes what the training of a trial prints."""
    return f"trial-{number}.log"


def log_of(trial: TrialRecord, results: Path | None = None) -> dict[str, Any]:
    """Find what a trial has printed.

    Args:
        trial: one that a worker has trained, or another.
        results: the folder of its study's results, as it is reached from here.

    Returns: `log`, the path of the file where it is here, and `log_elsewhere`, the host and the path where it
        may lie on the machine of its worker; None for what there is not.
    """
    told = Path(trial.logs[:_LONGEST_PATH]) / log_name(trial.number) if trial.logs else None
    places = [told, None if results is None else results.absolute() / LOG_FILES / log_name(trial.number)]
    here = next((place for place in places if place is not None and _is_file(place)), None)
    found = _WORKER.fullmatch(trial.worker or "")
    host = None if found is None else found[1]
    is_elsewhere = here is None and told is not None and host != host_name()
    return {
        "log": None if here is None else str(here),
        "log_elsewhere": {"host": host, "path": str(told)} if is_elsewhere else None,
    }


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a database may name anything
        return False
