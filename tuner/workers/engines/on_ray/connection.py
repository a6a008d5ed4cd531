"""Questions to a Ray cluster, which a process of its own asks; see `bridge`."""

import json
import queue
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tuner.workers.engines.engine import EngineAway

REACHED = 5.0  # seconds within which a machine takes a connection
CONNECTED = 60.0  # seconds within which Ray has connected
ANSWERED = 60.0  # seconds within which it answers, beside what the question itself waits for


class Connection:
    """A process that is connected to a cluster."""

    def __init__(self, address: str) -> None:
        """Connect.

        Args:
            address: HOST:PORT, `ray://HOST:PORT`, or `auto` for the cluster that this machine belongs to.

        Raises:
            EngineAway: no cluster answers there.
        """
        self._shown = "this machine" if address == "auto" else address
        if address != "auto":
            _reach(address)
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 - the address is one word, and takes no option
            [sys.executable, "-P", "-m", "tuner.workers.engines.on_ray.bridge", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # what a terminal sends is for us
        )
        weakref.finalize(self, _end, self._process)
        threading.Thread(target=_hear, args=(self._process, self._answers), name="ray", daemon=True).start()
        try:
            self.address = str(self._answer(CONNECTED))
        except EngineAway as error:
            self.close()
            said = _NONE if "any running Ray instance" in str(error) else str(error)
            raise EngineAway(f"{said} {_HOW}") from None

    @property
    def is_open(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def ask(self, do: str, *, patience: float = 0.0, **of: Any) -> Any:
        """Ask `do`, a method of `bridge.Cluster`, with its arguments; gives what it returns.

        Args:
            do: the method.
            patience: seconds that it waits itself.
            of: its arguments.

        Raises:
            EngineAway: the cluster has gone, or what Ray says.
        """
        assert self._process.stdin is not None
        with self._turn:
            try:
                self._process.stdin.write(f"{json.dumps({'do': do, 'of': of})}\n")
                self._process.stdin.flush()
            except OSError:
                self.close()
                raise EngineAway(f"The Ray cluster at {self._shown} has gone.") from None
            return self._answer(ANSWERED + patience)

    def _answer(self, patience: float) -> Any:
        try:
            line = self._answers.get(timeout=patience)
        except queue.Empty:
            self.close()
            raise EngineAway(
                f"The Ray cluster at {self._shown} did not answer for {patience:g} seconds."
            ) from None
        if not line:
            self.close()
            raise EngineAway(f"The Ray cluster at {self._shown} has gone.")
        answer = json.loads(line)
        if "away" in answer:
            raise EngineAway(f"The Ray cluster at {self._shown}: {answer['away']}.")
        return answer["given"]

    def close(self) -> None:
        """End the process; what it has started on the cluster stays."""
        _end(self._process)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()


def _hear(process: subprocess.Popen[str], answers: "queue.SimpleQueue[str]") -> None:
    assert process.stdout is not None  # it was asked for
    with process.stdout as lines:
        for line in lines:
            answers.put(line)
    answers.put("")  # it has ended


_NONE = "No Ray cluster runs on this machine."
_HOW = "Start one (`ray start --head`), or name one: --with address=HOST:6379, or RAY_ADDRESS."


def _reach(address: str) -> None:
    """Look whether a machine takes connections there, since Ray itself would try for minutes."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise EngineAway(
            f"{address!r} is no address of a Ray cluster; write HOST:PORT, such as 10.0.0.1:6379."
        )
    try:
        socket.create_connection((host, port), REACHED).close()
    except OSError as error:
        why = (error.strerror or "it does not answer").lower()
        raise EngineAway(f"No Ray cluster is reached at {address}: {why}. {_HOW}") from None
