"""The folders of results and checkpoints: whether a file can be written there, moved, and made safe."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from studies.database.dialects.sqlite_file import network_file_system
from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Check, Finding

LITTLE = 2 * 2**30  # bytes; a large network's checkpoints fill them
_PROBE = 2**16  # bytes that are written
_REMEDIES = {
    errno.EACCES: "chown or chmod it for this user, or name another folder",
    errno.EPERM: "chown or chmod it for this user, or name another folder",
    errno.EROFS: "mount it for writing, or name another folder",
    errno.ENOSPC: "df -h, and remove what is not needed, or name another folder",
    errno.EDQUOT: "quota -s, and remove what is not needed, or name another folder",
}


def _output(asked: Asked) -> Finding:
    return _folder("--output", asked.output)


def _checkpoints(asked: Asked) -> Finding | None:
    if asked.checkpoints is None:
        return None
    if "://" not in asked.checkpoints:
        return _folder("--checkpoints", Path(asked.checkpoints))
    from tuner.training.resuming.checkpoints import why_unreachable

    reason = why_unreachable(asked.checkpoints)
    if reason is not None:
        return Finding(
            WRONG, f"--checkpoints {asked.checkpoints} takes no file: {reason}", "--checkpoints FOLDER|URL"
        )
    return Finding(OK, f"--checkpoints {asked.checkpoints} takes files")


def _folder(option: str, folder: Path) -> Finding:
    """Look at a folder, or at the one that it would be made in."""
    place = folder.absolute()
    while not (os.path.lexists(place) or place == place.parent):
        place = place.parent
    here = f"{option} {folder}" + ("" if place == folder.absolute() else f" would be made in {place}, which")
    if not place.is_dir():
        return Finding(WRONG, f"{here} cannot be used: {place} is no folder", f"{option} FOLDER")
    try:
        _try(place)
    except OSError as error:
        todo = _REMEDIES.get(error.errno or 0, f"name another folder: {option} FOLDER")
        return Finding(WRONG, f"{here} takes no file: {error.strerror}", todo)
    network, free = network_file_system(place), shutil.disk_usage(place).free
    kind = "a local file system" if network is None else f"a network file system ({network})"
    found = f"{here} lies on {kind}; files can be written, made safe and moved there; {size(free)} are free"
    if free < LITTLE:
        return Finding(NOTE, found, "df -h, and make room before a long study")
    return Finding(OK, found)


def _try(place: Path) -> None:
    """Write a file, make it safe, move it, and remove it.

    Raises:
        OSError: one of these is not possible.
    """
    handle, name = tempfile.mkstemp(prefix=".tuner-doctor-", dir=place)
    moved = f"{name}-moved"
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(handle)
        Path(name).replace(moved)
    finally:
        for path in (name, moved):
            Path(path).unlink(missing_ok=True)


def size(count: float) -> str:
    """Write a number of bytes."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 2**10:.3g} KiB"


_HANGS = Finding(
    WRONG, "the file system gives no answer", "look whether the server of the shared folder runs: df -h"
)
CHECKS = (Check("output", _output, late=_HANGS), Check("checkpoints", _checkpoints, late=_HANGS))
