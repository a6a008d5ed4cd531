"""What Ray holds for each worker: an actor that runs its keeper, and that Ray begins anew when it dies.

The class travels by value. So Ray's own Python on a node needs nothing of ours: the keeper runs by the Python
that the launch names. Nothing but the standard library and what Ray ships is imported here.
"""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

import ray

SHOWN = 10.0  # seconds that a worker that has ended can be asked how, before its actor is gone
LEAVING = 5.0  # seconds beyond the grace period, and again beyond the kill
_WELL = (0, 130)  # codes of a worker whose study is over, or that was asked to leave
_LAST_WORDS = 4000  # bytes of a file's end in which its last line is looked for


class Held:
    """Holds a worker.

    A thread runs the keeper and waits for it, so that the keeper hears of this process's death whichever way
    it comes: Linux tells a process when the thread that has started it ends.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], directory: str, log: str
    ) -> None:
        """Start the keeper.

        Args:
            command: of the keeper.
            environment: what is added to its environment.
            directory: its working directory.
            log: the file to which the worker prints.
        """
        place = list(command).index("--log")
        self._command = [*command[:place], "--tie", str(os.getpid()), *command[place:]]
        self._environment, self._directory, self._log = dict(environment), directory, log
        self._host, self._why = socket.gethostname(), ""
        self._asked, self._ended = threading.Event(), threading.Event()
        self._keeper: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._live, name="keeper", daemon=True).start()

    def _live(self) -> None:
        try:
            self._why = self._run()
        except OSError as error:
            self._why = f"{self._command[0]} cannot be started on the node {self._host}: {error.strerror}"
        self._ended.set()
        time.sleep(SHOWN)
        ray.kill(ray.get_runtime_context().current_actor, no_restart=True)

    def _run(self) -> str:
        """Run the keeper to its end, and say why it ended if that was no good end."""
        if not os.path.isdir(self._directory):  # noqa: PTH112 - an actor's module imports little
            return (
                f"the node {self._host} has no folder {self._directory}, from which the workers were launched"
            )
        with tempfile.TemporaryFile() as said:
            self._keeper = subprocess.Popen(  # noqa: S603 - the words of the launch
                self._command,
                cwd=self._directory,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            if self._asked.is_set():
                self._keeper.terminate()
            code = self._keeper.wait()
            if code in _WELL or self._asked.is_set():
                return ""
            return f"on the node {self._host}: {_last_line(said) or self._logged() or f'exit code {code}'}"

    def _logged(self) -> str:
        try:
            with open(self._log, "rb") as log:  # noqa: PTH123 - an actor's module imports little
                return _last_line(log)
        except OSError:
            return ""

    def state(self) -> dict[str, Any]:
        """Say whether the worker runs, on which machine, and how it ended."""
        return {"is_running": not self._ended.is_set(), "where": self._host, "why": self._why}

    def leave(self, grace: float) -> None:
        """Ask the worker to leave, kill it if it is there after `grace` seconds, and wait for its end."""
        self._asked.set()
        if self._keeper is not None and self._keeper.poll() is None:
            self._keeper.terminate()
        if not self._ended.wait(grace + LEAVING):
            self._kill()
            self._ended.wait(LEAVING)

    def _kill(self) -> None:
        """Kill the worker with all that it has started, in whatever session, and then its keeper."""
        import psutil  # which Ray ships

        if self._keeper is None:
            return
        try:
            keeper = psutil.Process(self._keeper.pid)
            for process in [*keeper.children(recursive=True), keeper]:
                process.send_signal(signal.SIGKILL)
        except psutil.Error:
            return


def _last_line(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _LAST_WORDS))
    lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else ""
