"""Checkpoints from which a trial goes on, each the work of one attempt at one slot of a study."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from search_spaces.errors import first_line

_SEAL = b"\ntuner-sha256 "  # stands before the digest
_SEAL_LENGTH = len(_SEAL) + 64  # bytes at the end of a checkpoint
_PART = 2**20  # bytes that are read at a time


class Unstored(Exception):
    """The state of a training could not be written where it belongs; the training itself is fine."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one study, in a folder or under a URL that fsspec knows."""

    root: str

    def file(self, slot: int, draw: int, attempt: int) -> str:
        """Name the file of an attempt, which no other attempt writes to.

        Args:
            slot: number of the slot.
            draw: which suggestion of the slot is trained.
            attempt: which attempt at the slot it is.
        """
        return f"{self.root}/slot-{slot}-{draw}-{attempt}.ckpt"

    def resumable(self, slot: int, draw: int, before: int, owner: str) -> tuple[str | None, str]:
        """Find what the last of the attempts before `before` at the same suggestion has left, if it is whole.

        Returns:
            The file, and nothing; or None, and why there is none to go on from.
        """
        try:
            found = {
                int(match[1])
                for name in self._names(slot)
                if (match := re.search(rf"slot-{slot}-{draw}-(\d+)\.ckpt$", name))
            }
        except Exception as error:  # noqa: BLE001 - each store of files has errors of its own
            return None, f"the checkpoints at {self.root} cannot be reached ({_said(error)})"
        reasons = []
        for attempt in sorted((attempt for attempt in found if attempt < before), reverse=True):
            file = self.file(slot, draw, attempt)
            reason = fault_of(file, owner)
            if reason is None:
                return file, ""
            reasons.append(f"the checkpoint of attempt {attempt} {reason}")
        return None, ", and ".join(reasons) or "no checkpoint of an earlier attempt is there"

    def attempt_of(self, file: str) -> int:
        """Tell which attempt has written a file that `resumable` has found."""
        return int(file.removesuffix(".ckpt").rpartition("-")[2])

    def collect(self, slot: int) -> None:
        """Delete what attempts at a slot have left, whether whole or begun."""
        files, _ = url_to_fs(self.root)
        for name in self._names(slot):
            try:
                files.rm_file(name)
            except FileNotFoundError:
                continue  # another worker collects it as well

    def _names(self, slot: int) -> list[str]:
        files, root = url_to_fs(self.root)
        return [str(name) for name in files.glob(f"{root}/slot-{slot}-*")]


def save(trainer: Any, path: str, owner: str = "") -> None:
    """Save the whole state of a training, so that the file is either the one before or whole.

    It is on the disk before it takes the place of the one before, and is sealed: a digest of it stands at its
    end, where torch does not look. Torch itself notices neither a changed bit nor whose file it is.

    Args:
        trainer: a trainer of either Lightning; with several ranks, each has to call.
        path: where to, in a folder or under a URL.
        owner: to which trial it belongs.

    Raises:
        Unstored: it could not be written; on the rank that writes, while the others go on.
    """
    with _stored():
        files, place = url_to_fs(path)
    if isinstance(files, LocalFileSystem):
        begun = f"{place}.part"
        with _stored():
            _write(trainer, begun)
            if trainer.is_global_zero:
                _seal(begun, owner)
                os.replace(begun, place)  # noqa: PTH105 - both are strings
                _sync(os.path.dirname(place))  # noqa: PTH120
        return
    with TemporaryDirectory() as folder:
        begun = f"{folder}/begun.ckpt"
        with _stored():
            _write(trainer, begun)
        if trainer.is_global_zero:
            with _stored(Exception):  # each store of files has errors of its own
                _seal(begun, owner)
                files.put_file(begun, place)


@contextmanager
def _stored(kind: type[Exception] = OSError) -> Iterator[None]:
    """Tell errors of writing from those of what is written."""
    try:
        yield
    except kind as error:
        raise Unstored(_said(error)) from error


def _write(trainer: Any, path: str) -> None:
    try:
        trainer.save_checkpoint(path)
    except OSError:
        if trainer.world_size > 1:
            trainer.strategy.barrier("Trainer.save_checkpoint")  # at which the other ranks wait
        raise


def why_unreachable(root: str) -> str | None:
    """Say why a folder or URL takes no file, as the end of a sentence; None where it takes one."""
    try:
        files, place = url_to_fs(root)
        files.makedirs(place, exist_ok=True)
        tried = f"{place}/.tuner-{uuid.uuid4().hex}"
        files.pipe_file(tried, b"tried")
        files.rm_file(tried)
    except Exception as error:  # noqa: BLE001 - each store of files has errors of its own
        return _said(error)
    return None


def fault_of(path: str, owner: str) -> str | None:
    """Say why a checkpoint cannot be gone on from, as the end of a sentence; None where it is whole.

    Args:
        path: the file, in a folder or under a URL.
        owner: the trial to which it has to belong.
    """
    try:
        files, place = url_to_fs(path)
        length = files.info(place)["size"] - _SEAL_LENGTH
        if length <= 0:
            return "is not whole"
        with files.open(place, "rb") as file:
            digest = _digest(file, length, owner)
            seal = file.read()
    except Exception as error:  # noqa: BLE001 - each store of files has errors of its own
        return f"cannot be read ({_said(error)})"
    return None if seal == _SEAL + digest else "is not whole, or belongs to another trial"


def _seal(path: str, owner: str) -> None:
    with open(path, "r+b") as file:  # noqa: PTH123 - it is a string
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        digest = _digest(file, length, owner)
        file.seek(length)
        file.write(_SEAL + digest)
        file.flush()
        os.fsync(file.fileno())


def _digest(file: Any, length: int, owner: str) -> bytes:
    """Give the digest of the first bytes of a file and of whose it is, in hexadecimal digits."""
    digest, left = hashlib.sha256(owner.encode()), length
    while left > 0:
        part = file.read(min(_PART, left))
        if not part:
            break
        digest.update(part)
        left -= len(part)
    return digest.hexdigest().encode()


def _sync(folder: str) -> None:
    """Have the names in a folder written to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
