"""A real Slurm for tests: a controller and nodes on this machine, all in a folder of their own."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.contracts.servers import free_port
from tuner.training.process.parent import die_with_parent

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
KILL_WAIT = 20  # seconds between SIGTERM and SIGKILL
_DEVICES = ("/dev/null", "/dev/zero")  # that each node says are GPUs
_A_SECOND = 1.1  # and more than the rounding of one
_PATIENCE = 240.0  # seconds within which Slurm does what it is told
_CONFIGURATION = """
ClusterName=tuner
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
GresTypes=gpu
KillWait={kill_wait}
MessageTimeout={answer}
SlurmdTimeout=10
SlurmctldTimeout=10
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 DefMemPerCPU=100
PartitionName=urgent Nodes=ALL PriorityTier=2 PreemptMode=OFF DefMemPerCPU=100
"""


def missing() -> str | None:
    """Say why no Slurm can be run here; None where one can."""
    absent = [program for program in PROGRAMS if _which(program) is None]
    return f"{', '.join(absent)} of slurm-wlm and munge: not installed" if absent else None


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@dataclass
class Cluster:
    """A running Slurm.

    Attributes:
        folder: what it reads and writes.
        cpus: of each node.
        nodes: their names.
    """

    folder: Path
    cpus: int
    nodes: list[str]
    _daemons: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def configuration(self) -> Path:
        """What SLURM_CONF has to name."""
        return self.folder / "slurm.conf"

    def call(self, *command: str) -> str:
        """Run a command of Slurm's, and give what it prints."""
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}{done.stdout}"
        return done.stdout

    def jobs(self) -> list[tuple[str, str]]:
        """Give the number and the state of every job that is not over; a task of an array is a job."""
        rows = self.call("squeue", "--noheader", "--array", "--format=%i %T").split("\n")
        return [(job, state) for job, state in (row.split() for row in rows if row)]

    def begin_now(self) -> None:
        """Let requeued jobs begin, for which Slurm waits two minutes.

        A node takes no job whose credential is of the second in which it has ended the job before ("Job
        credential revoked"), and Slurm then says that it failed.
        """
        waiting = [job for job, state in self.jobs() if state == "PENDING"]
        if waiting:
            time.sleep(_A_SECOND)
        for job in waiting:
            with suppress(AssertionError):  # it has begun meanwhile
                self.call("scontrol", "update", f"jobid={job}", "StartTime=now")

    def until(self, what: Callable[[], bool], seconds: float = _PATIENCE) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"{self.folder} keeps the logs; {self.jobs()}"
            time.sleep(0.2)

    def start(self, daemon: str) -> None:
        """Start the controller (`slurmctld`) or a node, by its name, and wait until it answers."""
        is_controller = daemon == "slurmctld"
        arguments = ["slurmctld", "-D"] if is_controller else ["slurmd", "-D", "-N", daemon]
        self._run(daemon, *arguments)
        if is_controller:
            self._until_answered(daemon, lambda: "UP" in self._asked("scontrol", "ping"))
        else:
            usable = {"idle", "mixed", "allocated"}
            asked = ("sinfo", "--noheader", f"--nodes={daemon}", "--partition=main", "--format=%T")
            self._until_answered(daemon, lambda: self._asked(*asked).strip() in usable)

    def stop(self, daemon: str) -> None:
        """End a daemon in order: a controller writes down what it knows."""
        process = self._daemons.pop(daemon)
        process.terminate()
        process.wait(_PATIENCE)

    def kill(self, daemon: str) -> None:
        """Kill a daemon; the processes of a node's jobs stay, as where only the daemon is hurt."""
        process = self._daemons.pop(daemon)
        process.kill()
        process.wait()

    def processes(self) -> list[psutil.Process]:
        """Find the processes of jobs and of those who watch them, by their environment."""
        daemons = {process.pid for process in self._daemons.values()}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                given = process.environ()
                named = given.get("SLURM_CONF") == str(self.configuration)
                of_slurm = "SLURM_JOB_ID" in given or process.name().startswith("slurm")
                if named and of_slurm and process.pid not in daemons:
                    found.append(process)
        return found

    def _run(self, daemon: str, program: str, *arguments: str) -> None:
        path = _which(program)
        assert path is not None
        with (self.folder / f"{daemon}.log").open("ab") as log:
            self._daemons[daemon] = subprocess.Popen(
                [path, *arguments],
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it takes no lock, so threads do not matter
            )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.configuration)}

    def _asked(self, *command: str) -> str:
        return subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False
        ).stdout

    def _until_answered(self, daemon: str, answers: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not answers():
            says = (self.folder / f"{daemon}.log").read_text(encoding="utf-8", errors="replace")[-2000:]
            assert self._daemons[daemon].poll() is None, f"{daemon} does not start: {says}"
            assert time.monotonic() < end, f"{daemon} does not answer: {says}"
            time.sleep(0.1)

    def begin(self) -> None:
        """Start everything."""
        munge = self.folder / "munge"
        self._run(
            "munged", "munged", "--foreground", "--force", "--num-threads=2", f"--key-file={munge}/key",
            f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed",
            f"--log-file={munge}/log",
        )  # fmt: skip
        self._until_answered("munged", (munge / "socket").exists)
        self.start("slurmctld")
        for node in self.nodes:
            self.start(node)

    def end(self) -> None:
        """Cancel every job, and end everything."""
        if "slurmctld" in self._daemons:
            with suppress(AssertionError):
                self.call("scancel", f"--user={pwd.getpwuid(os.geteuid()).pw_name}")
                self.until(lambda: not self.jobs(), KILL_WAIT + 15.0)
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        for daemon in reversed(list(self._daemons)):
            self.kill(daemon)


@contextmanager
def slurm(*, nodes: int = 1, cpus: int = 4, answer: int = 10) -> Iterator[Cluster]:
    """Run a Slurm, each of whose nodes says that it has two GPUs; no program can use them.

    Args:
        nodes: how many, all of them this machine.
        cpus: that each says it has, however many there are.
        answer: seconds after which whoever asks gives a daemon up.
    """
    folder = Path(tempfile.mkdtemp(prefix="tuner-slurm-"))
    names = [f"node{number}" for number in range(nodes)]
    cluster = Cluster(folder, cpus, names)
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o711)
    for name in names:
        (folder / "spool" / name).mkdir()
    (folder / "munge" / "key").write_bytes(secrets.token_bytes(128))
    (folder / "munge" / "key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    rows = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port(None)} CPUs={cpus} "
        f"RealMemory=4000 Gres=gpu:{len(_DEVICES)}"
        for name in names
    ]
    devices = "".join(f"Name=gpu File={device}\n" for device in _DEVICES)
    (folder / "gres.conf").write_text(devices, encoding="utf-8")
    cluster.configuration.write_text(
        _CONFIGURATION.format(
            host=host,
            port=free_port(None),
            user=pwd.getpwuid(os.geteuid()).pw_name,
            folder=folder,
            kill_wait=KILL_WAIT,
            answer=answer,
            nodes="\n".join(rows),
        ),
        encoding="utf-8",
    )
    try:
        cluster.begin()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def one_cluster() -> Iterator[Cluster]:
    """Run one Slurm for the tests that hurt nothing of it."""
    if reason := missing():
        pytest.skip(reason)
    with slurm() as running:
        yield running


@pytest.fixture
def cluster(one_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Give a Slurm that a test's own process talks to; the test leaves no job behind."""
    monkeypatch.setenv("SLURM_CONF", str(one_cluster.configuration))
    yield one_cluster
    assert not one_cluster.jobs()
