"""What `tuner doctor` says of a machine with real faults, and of the limits of a container."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.workers.doctor.bounded import ran
from tuner.workers.doctor.check import OK, WRONG, Asked
from tuner.workers.doctor.machine import CHECKS
from tuner.workers.processes.control_group import allowed_cores, allowed_memory

LOOK = {check.name: check.look for check in CHECKS}


def test_few_open_files_are_found(tmp_path: Path) -> None:
    """A process that may open few files is told how to open more."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))\n"
        "from tuner.workers.doctor.check import Asked\n"
        "from tuner.workers.doctor.machine import CHECKS\n"
        "look = next(check.look for check in CHECKS if check.name == 'open files')\n"
        "found = look(Asked('', Path())); print(found.mark, found.todo)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "wrong ulimit -n 512"


def test_processes_start_from_a_fork_server(tmp_path: Path) -> None:
    """A process is started as trainings are; one without a place for its socket is told of."""
    found = LOOK["processes"](Asked("", tmp_path, environment=os.environ))
    assert found is not None
    assert found.mark == OK
    deep = tmp_path / ("x" * 150)  # a socket's path has 107 bytes at most
    deep.mkdir()
    found = LOOK["processes"](Asked("", tmp_path, environment={**os.environ, "TMPDIR": str(deep)}))
    assert found is not None
    assert found.mark == WRONG
    assert "AF_UNIX path too long" in found.found


@pytest.mark.parametrize(("version", "name"), [(2, "0::/box"), (1, "4:memory:/box\n5:cpu,cpuacct:/box")])
def test_the_limits_of_a_container_are_read(tmp_path: Path, version: int, name: str) -> None:
    """Cores and memory are those that the control group allows, in both versions of the interface."""
    groups = tmp_path / "cgroup"
    groups.write_text(name)
    files = (
        {"box/memory.max": "1073741824\n", "box/cpu.max": "150000 100000\n"}
        if version == 2
        else {
            "memory/box/memory.limit_in_bytes": "1073741824\n",
            "cpu/box/cpu.cfs_quota_us": "150000\n",
            "cpu/box/cpu.cfs_period_us": "100000\n",
        }
    )
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    assert (allowed_memory(groups, tmp_path), allowed_cores(groups, tmp_path)) == (2**30, 1.5)


def test_no_limit_is_no_number(tmp_path: Path) -> None:
    """`max`, and a machine without control groups, limit nothing."""
    groups = tmp_path / "cgroup"
    groups.write_text("0::/")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert (allowed_memory(groups, tmp_path), allowed_cores(groups, tmp_path)) == (None, None)
    assert allowed_memory(tmp_path / "none", tmp_path) is None


def test_a_command_is_ended_with_what_it_has_started() -> None:
    """A script that hangs in a process of its own is not waited for."""
    assert ran(["sh", "-c", "sleep 300 & wait"], 0.2) is None
