"""Workers as an array of Slurm's: `tuner launch STUDY --on slurm`."""

import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from search_spaces.errors import first_line
from tuner.errors import Refused
from tuner.workers.engines.engine import (
    ENDED,
    RUNNING,
    STORAGE,
    WAITING,
    EngineAway,
    Order,
    WorkerState,
    is_alive,
)
from tuner.workers.engines.slurm.programs import UnknownJob, ask, refusal, refuse_absent
from tuner.workers.engines.slurm.request import OPTIONS, command, flags, script

TICK = 1.0  # seconds between two looks at workers that are to leave
ENDING = 90.0  # seconds within which Slurm has ended what it was told to; a node's epilog takes some of them
_JOB = re.compile(
    r"(?P<number>\d{1,12})/(?P<name>tuner-[0-9a-z]{12})/(?P<workers>\d{1,5})/(?P<cluster>[\w.-]{1,100})"
)
_CLUSTER = re.compile(r"^ClusterName\s*=\s*(\S+)", re.MULTILINE)
_DURING = frozenset({"RUNNING", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"})
_AFTER = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    ]
)
# Variables that come before the script of sbatch: a site may have the environment left behind.
_OVERRIDING = ("SBATCH_EXPORT", "SBATCH_JOB_NAME", "SBATCH_NO_REQUEUE", "SBATCH_OUTPUT", "SBATCH_SIGNAL")
_WHY: Final[Mapping[str, str]] = {
    "BeginTime": "it was requeued, and Slurm begins it anew after two minutes",
    "TIMEOUT": "its time limit was reached before it had left its trial",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "it took more memory than it was given; see --memory-per-worker",
    "CANCELLED": "it was cancelled",
    "DEADLINE": "its deadline was reached",
    "BOOT_FAIL": "its node did not start",
    "PREEMPTED": "it was preempted, and this partition requeues nothing",
    "FAILED": "it failed",
}


@dataclass(frozen=True)
class Slurm:
    """Starts workers as tasks of one array.

    Attributes:
        options: those that were given, by name.
    """

    OPTIONS: ClassVar[Mapping[str, str]] = OPTIONS
    KEPT: ClassVar[Sequence[str]] = ()
    options: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Make it of its options."""
        for key, value in options.items():
            if not value.strip() or "\n" in value:
                raise Refused(f"--with {key}={value}: write a value in one line.")
        return cls(dict(options))

    def check(self, order: Order) -> None:
        """Ask Slurm whether it would take the workers, which submits nothing."""
        try:
            import submitit  # noqa: F401 - whether it is there
        except ImportError:
            raise Refused("--on slurm needs submitit: pip install 'interplay-tuner[slurm]'.") from None
        refuse_absent()
        with _environment(order.url, self.options):
            ask("sbatch", "--test-only", text=script(order, self.options))

    def is_one_machine(self) -> bool:
        """Slurm may place a worker on any node."""
        return False

    def plan(self, order: Order) -> str:
        """Write a script for sbatch."""
        return script(order, self.options)

    def submit(self, order: Order) -> str:
        """Submit the array."""
        import submitit

        folder = order.folder / "slurm"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what lies there is run by the tasks
        executor = submitit.SlurmExecutor(folder, python=f"exec {shlex.quote(order.python)} -P")
        executor.update_parameters(
            time=None,  # else submitit's five minutes
            use_srun=False,  # srun answers a SIGTERM with a SIGKILL to the worker
            stderr_to_stdout=True,
            array_parallelism=order.workers,  # else no more than 256 at a time
            setup=[self.options["setup"]] if "setup" in self.options else None,
            additional_parameters={**flags(order, self.options), "requeue": True},
        )
        words = command(order)
        try:
            with _environment(order.url, self.options):
                jobs = executor.map_array(os.execv, [order.python] * order.workers, [words] * order.workers)
        except submitit.core.utils.FailedJobError as error:
            raise refusal("sbatch", str(error)) from None
        except submitit.core.utils.FailedSubmissionError as error:
            raise Refused(f"sbatch answers otherwise than expected: {first_line(error)}") from None
        number = str(jobs[0].job_id).partition("_")[0]
        return f"{number}/{order.name}/{order.workers}/{_cluster()}"

    def states(self, job: str) -> Sequence[WorkerState]:
        """Ask squeue."""
        number, name, workers, cluster = _read(job)
        try:
            said = ask(
                "squeue", "--noheader", "--array", "--states=all", f"--jobs={number}", f"--name={name}",
                "--format=%K|%T|%N|%r",
            )  # fmt: skip
        except UnknownJob:
            said = ""
        found = {}
        for line in said.splitlines():
            index, state, node, reason = (part.strip() for part in [*line.split("|", 3), "", "", ""][:4])
            found[int(index) if index.isdecimal() else 0] = _state(state, node, reason)
        if not found and (here := _cluster()) != cluster:
            raise EngineAway(
                f"The workers were started on the cluster {cluster}, and this machine is of {here}."
            )
        if not found:
            return []
        gone = WorkerState(ENDED)  # Slurm forgets a task some minutes after its end
        return [found.get(index, gone) for index in range(workers)]

    def cancel(self, job: str, grace: float) -> None:
        """Have scancel ask the workers to leave, then end them."""
        number, name, *_ = _read(job)
        if not self._is_there(job):
            return
        _told(number, name, "--state=PENDING")
        if grace > 0:
            # To every process of a job: a worker's keeper passes nothing on that Slurm sends.
            _told(number, name, "--full", "--signal=TERM", "--state=RUNNING")
            end = time.monotonic() + grace
            while time.monotonic() < end:
                if not self._is_there(job):
                    return
                time.sleep(TICK)
        _told(number, name, "--full", "--signal=KILL")
        _told(number, name)
        end = time.monotonic() + ENDING
        while self._is_there(job):
            if time.monotonic() > end:
                raise EngineAway(
                    f"Slurm was told to cancel job {number} and still shows it; see `squeue -j {number}`."
                )
            time.sleep(TICK)

    def _is_there(self, job: str) -> bool:
        return is_alive(self.states(job))


def _told(number: str, name: str, *what: str) -> None:
    try:
        ask("scancel", *what, f"--name={name}", number)
    except UnknownJob:
        return


def _state(state: str, node: str, reason: str) -> WorkerState:
    """Read a task's state by squeue's words."""
    if state in _DURING:
        return WorkerState(RUNNING, node)
    if state in _AFTER:
        return WorkerState(ENDED, node, "" if state == "COMPLETED" else _WHY.get(state, state.lower()))
    known = "" if reason in {"", "None"} else f"Slurm says {reason}"
    return WorkerState(WAITING, "", _WHY.get(reason, known))


def _read(job: str) -> tuple[str, str, int, str]:
    """Read the identifier of a job, which a database may have altered."""
    found = _JOB.fullmatch(job)
    if found is None:
        raise Refused(f"The launch {job[:40]!r} is none that --on slurm has made; delete its record.")
    return found["number"], found["name"], int(found["workers"]), found["cluster"]


def _cluster() -> str:
    """Give the name of the cluster that this machine belongs to."""
    found = _CLUSTER.search(ask("scontrol", "show", "config"))
    return "unknown" if found is None else found[1]


@contextmanager
def _environment(url: str, options: Mapping[str, str]) -> Iterator[None]:
    """While entered, this process has the environment that sbatch hands to the workers.

    The address of the database goes this way alone, and not into the script, which others may read. Variables
    that would come before what the script says are left out.
    """
    given: dict[str, str | None] = {STORAGE: url, **dict.fromkeys(_OVERRIDING)}
    given |= {f"SBATCH_{'TIMELIMIT' if key == 'time' else key.upper()}": None for key in options}
    before = {name: os.environ.get(name) for name in given}
    _set(given)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
