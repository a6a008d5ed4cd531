"""The door of launchers: whoever starts workers of a study somewhere, and leaves nothing behind."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuner.workers.events import View


@dataclass(frozen=True)
class Job:
    """What a worker of a study needs to begin.

    Attributes:
        url: of the database.
        study: its name.
        folder: takes the weights of the best trial, and the trials' logs.
        grace: seconds within which a worker that is asked to leave has left.
        checkpoints: where a trial leaves its state; by default in `folder`.
        threads: torch's where the study names none.
        gpus: those that a training may see; None lets it see all.
        token: what tells the worker from any other, beside its host and its process.
        code: what the study names that only the process that starts the worker has.
    """

    url: str
    study: str
    folder: Path
    grace: float
    checkpoints: str | None = None
    threads: int | None = None
    gpus: str | None = None
    token: str = ""
    code: bytes | None = None


class Launched(Protocol):
    """Workers that have been started together."""

    def watch(self, view: View) -> None:
        """Show what the workers do until the study is over, or they were asked to stop and have left.

        Raises:
            StudyStopped: several trials in a row ended with an error, or workers die again and again.
        """

    def cancel(self) -> None:
        """End what is still there, at once; its slots are free then. It is called in any case, at the end."""


class Launcher(Protocol):
    """Starts workers."""

    def launch(self, job: Job, workers: int, stop: threading.Event) -> Launched:
        """Start so many workers at a job, who leave when `stop` is set.

        Raises:
            Refused: there is no place for them.
        """
