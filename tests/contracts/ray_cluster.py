"""A Ray cluster for tests: nodes that are processes of this machine, started as an administrator does."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

MARK = "TUNER_TEST_RAY"  # in the environment of all that a node has started
STARTS = 240.0  # seconds within which a node is there
_STORE = 80_000_000  # bytes of a node's object store; Ray takes no less


@dataclass
class Node:
    """A node of a cluster, by what the environment of its processes holds."""

    mark: str

    def processes(self) -> list[psutil.Process]:
        """List all that runs on it: what Ray has started, and what that has."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def held(self) -> list[psutil.Process]:
        """List the actors that hold a worker."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                if process.cmdline()[0].startswith("ray::Held"):
                    found.append(process)
        return found

    def kill(self) -> None:
        """Kill it as a machine dies: everything at once."""
        while there := self.processes():
            for process in there:
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            psutil.wait_procs(there, 10.0)


@dataclass
class RayCluster:
    """A cluster: its address, and its nodes, the head first."""

    folder: Path
    address: str = ""
    nodes: list[Node] = field(default_factory=list)

    def start(self, *, cpus: int = 2, gpus: int = 0) -> Node:
        """Start a node more; Ray gives up after 30 seconds, which a busy machine may take."""
        for _ in range(2):
            with suppress(subprocess.CalledProcessError):
                return self._start(cpus, gpus)
            self.nodes.pop().kill()
        return self._start(cpus, gpus)

    def _start(self, cpus: int, gpus: int) -> Node:
        if self.nodes:
            where = [f"--address={self.address}"]
        else:
            with socket.create_server(("", 0)) as free:
                port = free.getsockname()[1]
            where = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        node = Node(uuid.uuid4().hex)
        self.nodes.append(node)
        with tempfile.TemporaryFile("w+") as said:  # no pipe: what goes on would hold it open
            subprocess.run(
                [
                    *(Path(sys.executable).parent / "ray", "start", *where),
                    *(f"--num-cpus={cpus}", f"--num-gpus={gpus}", f"--object-store-memory={_STORE}"),
                    *("--disable-usage-stats", "--include-log-monitor=false"),
                    *("--min-worker-port=0", "--max-worker-port=0"),
                ],
                env={**os.environ, MARK: node.mark},
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=STARTS,
            )
            said.seek(0)
            printed = said.read()
        if not self.address:
            host = printed.partition("Local node IP: ")[2].split()[0]
            os.environ["RAY_ADDRESS"] = self.address = f"{host}:{port}"
        return node

    def stop(self) -> None:
        """End it; nothing of it is left."""
        for node in reversed(self.nodes):
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_SETTINGS = {
    "RAY_AUTH_MODE": "disabled",  # Ray would keep a token in the home folder
    # A busy machine is no failure: workers do not yield to all else, and a slow node is no dead one.
    "RAY_worker_niceness": "0",
    "RAY_agent_register_timeout_ms": "200000",
    "RAY_health_check_initial_delay_ms": "60000",
    "RAY_health_check_timeout_ms": "60000",
}


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """Run a cluster that has no node yet; processes that this one starts meanwhile find it by RAY_ADDRESS."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'interplay-tuner[ray]'")
    # Not pytest's folder, whose name is too long for a socket's.
    cluster = RayCluster(Path(tempfile.mkdtemp(prefix="tuner-ray-")))
    before = {name: os.environ.pop(name, None) for name in ("RAY_ADDRESS", *_SETTINGS)}
    os.environ.update(_SETTINGS)
    try:
        yield cluster
    finally:
        cluster.stop()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
