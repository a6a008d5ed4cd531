"""What an engine starts: a process that holds one worker, and begins it anew when it dies.

`python -m tuner.workers.engines.keeper --log FOLDER worker NAME` runs `tuner worker NAME`. With `--detach`
before that it goes on in a session of its own when whoever began it has ended. With `--tie PROCESS` it is
sent SIGTERM when that process, which began it, ends. A signal goes on to the worker, which then leaves its
trial in order. A worker whose keeper is killed is sent SIGTERM.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tuner.training.process.parent import die_with_parent
from tuner.workers.engines.engine import LAUNCH, log_of
from tuner.workers.processes.interruption import INTERRUPTED, SIGNALS

DETACH, TIE = "--detach", "--tie"
DEATHS = 5  # of a worker that lived for less than `SOON`, in a row, after which it is not begun anew
SOON = 60.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a worker is begun anew; each is twice the one before
# Codes after which a worker has no more to do: its study is over, its request wrong, or somebody asked it.
_DONE, _WRONG = 0, 2
FINAL = frozenset({_DONE, _WRONG, INTERRUPTED})


class Keeper:
    """Holds a worker until it has no more to do."""

    def __init__(self, command: Sequence[str], log: Path, *, told_together: bool = False) -> None:
        """Take what is run and how.

        Args:
            command: the words of the worker's command.
            log: takes what is printed.
            told_together: whether a signal to this process always reaches the worker as well, as Slurm's do.
                The worker is not told again then, since a second signal ends it at once.
        """
        self._command = list(command)
        self._log = log
        self._told_together = told_together
        self._asked = threading.Event()
        self._worker: subprocess.Popen[bytes] | None = None

    def keep(self) -> int:
        """Run the worker, and begin it anew when it dies.

        Returns: The exit code of the last one.
        """
        for number in SIGNALS:
            signal.signal(number, self._hear)
        deaths, pause = 0, FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = self._run()
            if code in FINAL or self._asked.is_set():
                return code if code >= 0 else INTERRUPTED
            soon = time.monotonic() - began < SOON
            deaths, pause = (deaths + 1, pause) if soon else (1, FIRST_PAUSE)
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            if deaths >= DEATHS:
                self.say(f"The worker ended {how}, {DEATHS} times in a row; it is not begun anew.")
                return code if code > 0 else 1
            self.say(f"The worker ended {how}; it is begun anew in {pause:g} s.")
            if self._asked.wait(pause):
                return INTERRUPTED
            pause = min(2 * pause, LONGEST_PAUSE)

    def _run(self) -> int:
        parent = os.getpid()

        def tie() -> None:
            die_with_parent(signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(INTERRUPTED)

        with self._log.open("ab") as log:
            self._worker = subprocess.Popen(  # noqa: S603 - the words are those of the launch
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A signal to a group of processes reaches the worker once: by us, or by that alone.
                start_new_session=not self._told_together,
                preexec_fn=tie,  # noqa: PLW1509 - this process has one thread
            )
            if self._asked.is_set():  # before there was a worker
                self._worker.terminate()
            return self._worker.wait()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._told_together:
            self._asked.set()
        else:
            self.ask()

    def ask(self) -> None:
        """Ask the worker to leave its trial in order, and begin none anew."""
        self._asked.set()
        if self._worker is not None and self._worker.poll() is None:
            self._worker.terminate()

    def say(self, sentence: str) -> None:
        """Add a sentence to the log."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{sentence}\n")


def _program() -> str:
    """Find the command `tuner` that belongs to this interpreter."""
    own = Path(sysconfig.get_path("scripts")) / "tuner"
    found = str(own) if own.exists() else shutil.which("tuner")
    if found is None:
        sys.exit(f"The command `tuner` is not there beside {sys.executable}; install interplay-tuner there.")
    return found


def keeper_of(worker: Sequence[str], folder: str, *, told_together: bool = False) -> Keeper:
    """Make the keeper of a worker, whose number the environment tells.

    Args:
        worker: the words of the command line of `tuner`.
        folder: takes its log.
        told_together: see `Keeper`.
    """
    index = os.environ.get(LAUNCH, "").rpartition(":")[2]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    log = log_of(place, int(index) if index.isdecimal() else 0)
    return Keeper([_program(), *worker], log, told_together=told_together)


def main(words: Sequence[str]) -> int:
    """Keep the worker that the words of the command line name; gives its exit code."""
    if words[0] == DETACH:
        if os.fork():
            return 0
        os.setsid()
        words = words[1:]
    if words[0] == TIE:
        die_with_parent(signal.SIGTERM)
        if os.getppid() != int(words[1]):
            return INTERRUPTED
        words = words[2:]
    _, folder, *worker = words  # --log FOLDER
    return keeper_of(worker, folder).keep()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
