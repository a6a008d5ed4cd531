"""Workers of this machine that go on when the terminal is closed: `tuner launch STUDY --on local`."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Self

import psutil

from tuner.errors import Refused
from tuner.workers.engines.engine import ENDED, LAUNCH, RUNNING, EngineAway, Order, WorkerState
from tuner.workers.engines.keeper import DETACH
from tuner.workers.gpus import VISIBLE, Gpus, cores

LEAVING = 5.0  # seconds beyond the grace period
_JOB = re.compile(r"(?P<host>[^/]{1,100})/(?P<launch>[0-9a-f]{12})/(?P<workers>\d{1,5})")


@dataclass(frozen=True)
class Detached:
    """Starts workers on this machine, each with its keeper in a session of its own."""

    OPTIONS: ClassVar[Mapping[str, str]] = {}
    KEPT: ClassVar[Sequence[str]] = ()

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Make it; it takes no option."""
        return cls()

    def check(self, order: Order) -> None:
        """Refuse more cores than there are, GPUs that are not there, and a limit that nobody would keep."""
        _refuse_memory(order)
        if (order.resources.cpus or 0) > cores():
            raise Refused(
                f"--cpus-per-worker {order.resources.cpus}: this machine has {cores()} cores; ask for fewer."
            )
        self._gpus(order)

    def _gpus(self, order: Order) -> list[str]:
        """Give each worker GPUs of its own, by what CUDA calls them."""
        each = order.resources.gpus
        if not each:
            return []
        names = Gpus("auto").names
        if len(names) < each * order.workers:
            raise Refused(
                f"--gpus-per-worker {each}: {order.workers} workers need {each * order.workers} GPUs, and "
                f"this machine has {len(names)}; start fewer workers."
            )
        return [",".join(names[each * index : each * (index + 1)]) for index in range(order.workers)]

    def is_one_machine(self) -> bool:
        """It is this one."""
        return True

    def plan(self, order: Order) -> str:
        """Write the command of a worker."""
        _refuse_memory(order)
        return f"{order.workers} times, from {order.directory}:\n{order.shown()}"

    def submit(self, order: Order) -> str:
        """Start the keepers."""
        gpus = self._gpus(order)
        threads = str(max(1, order.resources.cpus or cores() // order.workers))
        for index in range(order.workers):
            own = {VISIBLE: gpus[index]} if gpus else {}
            subprocess.run(  # noqa: S603 - our own words
                _detached(order.command),
                check=True,
                cwd=order.directory,
                env={"OMP_NUM_THREADS": threads, **os.environ, **order.environment(index), **own},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return f"{socket.gethostname()[:100]}/{order.launch}/{order.workers}"

    def states(self, job: str) -> Sequence[WorkerState]:
        """Look which keepers are there."""
        launch, workers = _read(job)
        here = {index for index, _ in _keepers(launch)}
        host = socket.gethostname()
        return [WorkerState(RUNNING if index in here else ENDED, host) for index in range(workers)]

    def cancel(self, job: str, grace: float) -> None:
        """Have the keepers ask their workers to leave, and kill those that do not."""
        launch, _ = _read(job)
        asked = [process for _, process in _keepers(launch)]
        for process in asked:
            with suppress(psutil.Error):
                process.terminate()
        _, there = psutil.wait_procs(asked, grace + LEAVING)
        for process in there:
            with suppress(psutil.Error):
                # The worker first, with all that it has started: without its keeper it would only be asked.
                for each in [*process.children(recursive=True), process]:
                    each.kill()
        psutil.wait_procs(there, LEAVING)


def _refuse_memory(order: Order) -> None:
    if order.resources.memory is not None:
        raise Refused(
            f"--memory-per-worker {order.resources.memory:g}: the workers of one machine share its memory, "
            f"and --on local holds none of them to a limit; leave it out."
        )


def _detached(command: Sequence[str]) -> list[str]:
    """Have a keeper leave the session that it is started in."""
    place = command.index("--log")
    return [*command[:place], DETACH, *command[place:]]


def _read(job: str) -> tuple[str, int]:
    """Read the identifier of a job, which a database may have altered."""
    found = _JOB.fullmatch(job)
    if found is None:
        raise Refused(f"The launch {job[:40]!r} is none that --on local has made; delete its record.")
    if found["host"] != socket.gethostname()[:100]:
        raise EngineAway(f"The workers were started on {found['host']}; give the same command there.")
    return found["launch"], int(found["workers"])


def _keepers(launch: str) -> Iterator[tuple[int, psutil.Process]]:
    """Find the keepers of a launch among the processes of this user, each with its number."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if "tuner.workers.engines.keeper" not in process.cmdline():
                continue
            mark = process.environ().get(LAUNCH, "")
            engine, _, rest = mark.partition(":")
            name, _, index = rest.partition(":")
            if (engine, name) == ("local", launch) and process.status() != psutil.STATUS_ZOMBIE:
                yield int(index), process
