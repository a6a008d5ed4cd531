"""Commands that are ended with all that they have started once their time is up."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

REAPING = 0.5  # seconds that a killed command has to be gone; one that a driver holds is left behind


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code, and what it has printed."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of its errors, else its exit code."""
        return (self.err.strip().splitlines() or [f"exit code {self.code}"])[-1]


def ran(command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> Ran | None:
    """Run a command; None where it has not ended within so many seconds.

    Raises:
        OSError: there is no such command.
    """
    process = subprocess.Popen(  # noqa: S603 - our own words
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=REAPING)
        return None
    return Ran(process.returncode, out, err)
