"""Checkpoints from which a trial goes on, each the work of one attempt at one slot of a study."""

import os
import re
from dataclasses import dataclass
from typing import Any

from fsspec.core import url_to_fs

_REMOTE = "://"


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

    def newest(self, slot: int, draw: int, before: int) -> str | None:
        """Find what the last of the attempts before `before` at the same suggestion has left."""
        found = {
            int(match[1]): name
            for name in self._names(slot)
            if (match := re.search(rf"slot-{slot}-{draw}-(\d+)\.ckpt$", name))
        }
        earlier = [attempt for attempt in found if attempt < before]
        return self.file(slot, draw, max(earlier)) if earlier else None

    def attempt_of(self, file: str) -> int:
        """Tell which attempt has written a file that `newest` has found."""
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


def save(trainer: Any, path: str) -> None:
    """Save the whole state of a training, so that the file is either the one before or whole.

    Args:
        trainer: a trainer of either Lightning; with several ranks, each has to call.
        path: where to.
    """
    if _REMOTE in path:  # an object store shows an object when it has all of it
        trainer.save_checkpoint(path)
        return
    begun = f"{path}.part"
    trainer.save_checkpoint(begun)
    if trainer.is_global_zero:
        os.replace(begun, path)  # noqa: PTH105 - both are strings
