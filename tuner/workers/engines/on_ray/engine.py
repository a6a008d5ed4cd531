"""Workers on a Ray cluster, each held by an actor: `tuner launch STUDY --on ray`.

Ray places the actors, and begins them anew elsewhere when a node dies. They are found by their names in a
namespace of the launch, and end by themselves when the study is over.
"""

import importlib.util
import os
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Self

from tuner.errors import Refused
from tuner.workers.engines.engine import (
    ENDED,
    RUNNING,
    WAITING,
    EngineAway,
    Order,
    Resources,
    WorkerState,
    log_of,
)
from tuner.workers.engines.on_ray.connection import Connection
from tuner.workers.gpus import VISIBLE

LEAVING = 60.0  # seconds beyond the grace period that Ray has to end what it holds
_JOB = re.compile(
    r"(?P<address>(ray://)?[^/\s]{1,120})/(?P<launch>[0-9a-f]{12})/(?P<workers>\d{1,5})", re.ASCII
)
_STATES: Final[Mapping[bool | None, Literal["running", "ended", "waiting"]]] = {
    True: RUNNING,
    False: ENDED,
    None: WAITING,
}


class OnRay:
    """Starts workers on a Ray cluster.

    Where it is, this process's own environment or command line says and never the database: a cluster runs
    what it likes in whoever connects to it.
    """

    OPTIONS: ClassVar[Mapping[str, str]] = {
        "address": "HOST:PORT of the cluster; else RAY_ADDRESS, else this machine's"
    }
    KEPT: ClassVar[Sequence[str]] = ()

    def __init__(self, address: str) -> None:
        """Take the address of a cluster; `auto` means the one of this machine."""
        self._address = address
        self._connection: Connection | None = None

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Make it; Ray has to be installed."""
        if not _is_installed():
            raise Refused("--on ray: Ray is not installed here; type: pip install 'interplay-tuner[ray]'")
        address = options.get("address") or os.environ.get("RAY_ADDRESS") or "auto"
        if address == "local":
            raise Refused(
                "A Ray cluster at 'local' would end with this command; start one (`ray start --head`) and "
                "leave the address out."
            )
        return cls(address)

    @property
    def _cluster(self) -> Connection:
        if self._connection is None or not self._connection.is_open:
            self._connection = Connection(self._address)
        return self._connection

    def check(self, order: Order) -> None:
        """Refuse what no node of the cluster has."""
        nodes = self._cluster.ask("nodes")
        needs = order.resources
        if not any(_fits(needs, node) for node in nodes):
            largest = max(nodes, key=lambda node: (node["gpus"], node["cpus"]), default=None)
            has = (
                "there is none"
                if largest is None
                else f"the largest, {largest['host']}, has {_shown(largest)}"
            )
            raise Refused(
                f"{_asked(needs)}: no node of the Ray cluster at {self._cluster.address} has so much; {has}."
            )

    def is_one_machine(self) -> bool:
        """Whether every node of the cluster is this machine, now."""
        nodes = self._cluster.ask("nodes")
        return {node["host"] for node in nodes} == {socket.gethostname()} and (
            len({node["address"] for node in nodes}) == 1
        )

    def plan(self, order: Order) -> str:
        """Write what each actor is made of."""
        needs = ", ".join(f"{name}={value:g}" for name, value in _options(order.resources).items())
        return (
            f"{order.workers} detached actors in the namespace {order.name}, spread over the nodes and begun "
            f"anew with them, each with {needs}.\nEach runs, from {order.directory}:\n{order.shown()}"
        )

    def submit(self, order: Order) -> str:
        """Make the actors."""
        # Ray hides GPUs from actors only when it gives them others; of all the node's none is a worker's own.
        hidden = {} if order.resources.gpus else {VISIBLE: ""}
        workers = [
            {
                "command": order.command,
                "environment": {**order.environment(index), **hidden},
                "directory": str(order.directory),
                "log": str(log_of(order.folder, index)),
            }
            for index in range(order.workers)
        ]
        cluster = self._cluster
        cluster.ask("submit", space=order.name, workers=workers, needs=_options(order.resources))
        return f"{cluster.address}/{order.launch}/{order.workers}"

    def states(self, job: str) -> Sequence[WorkerState]:
        """Ask the actors."""
        told = self._cluster.ask("states", **self._read(job))
        return [WorkerState(_STATES[each["is_running"]], each["where"], each["why"]) for each in told]

    def cancel(self, job: str, grace: float) -> None:
        """Have the actors ask their workers to leave, and end both."""
        self._cluster.ask("cancel", patience=grace + LEAVING, grace=grace, **self._read(job))
        self._cluster.close()

    def _read(self, job: str) -> dict[str, Any]:
        """Read the identifier of a job, which a database may have altered, for a question to the cluster."""
        found = _JOB.fullmatch(job)
        if found is None:
            raise Refused(f"The launch {job[:40]!r} is none that --on ray has made; delete its record.")
        there, here = found["address"], self._cluster.address
        if there != here:
            raise EngineAway(
                f"The workers were started on the Ray cluster at {there}, and this command reaches the one "
                f"at {here}; give it again with RAY_ADDRESS={there}."
            )
        return {"space": f"tuner-{found['launch']}", "workers": int(found["workers"])}


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("ray") is not None
    except ValueError:  # something that is no package stands in its place
        return False


def _options(needs: Resources) -> dict[str, float]:
    """Write what a worker needs as Ray's options of an actor; a worker takes a core where it names none."""
    options: dict[str, float] = {"num_cpus": needs.cpus or 1, "num_gpus": needs.gpus}
    return options if needs.memory is None else {**options, "memory": int(needs.memory * 1e9)}


def _fits(needs: Resources, node: Mapping[str, Any]) -> bool:
    has_memory = needs.memory is None or node["memory"] >= needs.memory
    return bool(node["gpus"] >= needs.gpus and node["cpus"] >= (needs.cpus or 1) and has_memory)


def _asked(needs: Resources) -> str:
    given = {
        "--gpus-per-worker": needs.gpus or None,
        "--cpus-per-worker": needs.cpus,
        "--memory-per-worker": needs.memory,
    }
    words = [f"{name} {value:g}" for name, value in given.items() if value is not None]
    return " ".join(words) or "A worker takes a core"


def _shown(node: Mapping[str, Any]) -> str:
    return f"{node['gpus']:g} GPUs, {node['cpus']:g} cores and {node['memory']:.1f} GB for Ray's memory"
