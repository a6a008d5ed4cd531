"""The weights of the best trial: kept from before it is told until a better one has been told.

A training writes its weights to a file that is named after its study's ledger. Once the training has ended
the file gets a second name, `trial-N.ckpt`, and only then is the trial told, together with a digest of the
file. So at every moment the weights of the best told trial exist under that name, whatever is killed. A file
is removed only when its trial has ended in the database and another one is better: what another worker has
written and not yet told stays. The first name shows whose file it is until the trial is told, the digest
afterwards; a file of another study that was worked on in the same folder is never taken for ours.
"""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.ledger.ledger import Ledger
from studies.trials.attributes import WEIGHTS
from studies.trials.record import TrialRecord


@dataclass(frozen=True)
class Weights:
    """The weights of one study in a folder, which workers on several machines may share."""

    ledger: Ledger
    folder: Path

    def begun(self, number: int) -> Path:
        """Name the file that the training of a trial writes to."""
        return self.folder / f"trial-{number}.{self._owner}.part"

    def file(self, number: int) -> Path:
        """Name the file that holds the weights of a trial once its training has ended."""
        return self.folder / f"trial-{number}.ckpt"

    def keep(self, number: int) -> dict[str, Any]:
        """Give the weights that a training has written their final name, before its trial is told.

        Returns: What is told with the trial, so that its file is recognized later.
        """
        begun, file = self.begun(number), self.file(number)
        try:
            with begun.open("rb") as written:
                digest = hashlib.file_digest(written, "sha256").hexdigest()
                os.fsync(written.fileno())
        except FileNotFoundError:
            return {}  # the trial was declared lost meanwhile, and another worker has collected its file
        if file.exists():  # of another study of that name, whose winner it may be
            file.rename(file.with_name(f"{file.name}.before-{digest[:8]}"))
        try:
            file.hardlink_to(begun)
        except OSError:  # a file system without hard links
            begun.rename(file)
        return {WEIGHTS: {"sha256": digest, "host": socket.gethostname(), "file": str(file.absolute())}}

    def of(self, trial: TrialRecord) -> Path | None:
        """Find the weights of a told trial in this folder; None where another machine or folder has them."""
        file, told = self.file(trial.number), trial.weights
        is_it = file.exists() and (told is None or told.get("sha256") == _digest(file))
        return file if is_it else None

    def collect(self) -> None:
        """Remove the files of trials that have ended and are not the best, those of dead attempts too."""
        ended = {trial.number: trial for trial in self.ledger.records() if trial.outcome is not None}
        # Read after the trials: a trial that has ended and is no leader now will never become one.
        leaders = {leader.number for leader in self.ledger.leaders()}
        for number, begun in self._numbered(rf"\.{self._owner}\.part"):
            if number not in ended:
                continue
            file = self.file(number)
            if number not in leaders and file.exists() and file.samefile(begun):
                file.unlink(missing_ok=True)
            begun.unlink(missing_ok=True)
        for number, file in self._numbered(r"\.ckpt"):
            told = ended[number].weights if number in ended else None
            if told is not None and number not in leaders:
                with suppress(FileNotFoundError):  # another worker collects as well
                    if _digest(file) == told.get("sha256"):
                        file.unlink()

    @property
    def _owner(self) -> str:
        return self.ledger.slots.ledger[:8]

    def _numbered(self, ending: str) -> Iterator[tuple[int, Path]]:
        for file in self.folder.glob("trial-*"):
            match = re.fullmatch(rf"trial-(\d+){ending}", file.name)
            if match:
                yield int(match[1]), file


def place_of(trial: TrialRecord) -> str | None:
    """Say on which machine and where the weights of a trial were kept; None where none were."""
    told = trial.weights
    return None if told is None else f"{told.get('host')}:{told.get('file')}"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
