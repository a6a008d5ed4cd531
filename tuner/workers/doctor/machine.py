"""This machine as a training finds it: cores, memory, shared memory, open files, and processes that start."""

import os
import resource
import shutil
import sys
from pathlib import Path

from tuner.workers.doctor.bounded import ran
from tuner.workers.doctor.check import EACH, NOTE, OK, WRONG, Asked, Check, Finding
from tuner.workers.doctor.folders import size
from tuner.workers.gpus import cores
from tuner.workers.processes.control_group import allowed_cores, allowed_memory

LITTLE = 2**30  # bytes of memory; torch and Lightning take half of it before they train
SHARED = Path("/dev/shm")  # noqa: S108 - where Linux has it; data loaders hand batches over through it
LITTLE_SHARED = 2**27  # bytes; a container has 64 MiB unless it is told otherwise
FEW_FILES = 1024  # what systems allow by default; a worker with data loaders and a database takes hundreds
_START = (
    "import multiprocessing, os\n"
    "started = multiprocessing.get_context('forkserver').Process(target=os.getpid)\n"
    "started.start()\nstarted.join()\nraise SystemExit(started.exitcode)"
)


def _capacity(asked: Asked) -> Finding:
    share, limit = allowed_cores(), allowed_memory()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{cores()} cores" + ("" if share is None else f", of which the control group allows {share:g}")
    found += f"; {size(memory)} of memory" + (
        "" if limit is None or limit >= memory else f", of which it allows {size(limit)}"
    )
    if min(memory, limit or memory) < LITTLE:
        return Finding(
            WRONG,
            f"{found}, and a training needs some {size(LITTLE)}",
            "docker run --memory=8g, or in Kubernetes resources.limits.memory: 8Gi",
        )
    if share is not None and share < 1:
        return Finding(NOTE, found, "docker run --cpus=2, or in Kubernetes resources.limits.cpu: 2")
    return Finding(OK, found)


def _shared_memory(asked: Asked) -> Finding | None:
    if not SHARED.is_dir():
        return None
    usage = shutil.disk_usage(SHARED)
    found = f"{size(usage.free)} of {size(usage.total)} are free in {SHARED}"
    if usage.free < LITTLE_SHARED:
        return Finding(
            NOTE,
            f"{found}, which data loaders with processes fill",
            "docker run --shm-size=8g, in Kubernetes an emptyDir of medium Memory there; or num_workers: 0",
        )
    return Finding(OK, found)


def _open_files(asked: Asked) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return Finding(OK, f"{'any number of' if soft == resource.RLIM_INFINITY else soft} files may be open")
    enough = FEW_FILES if hard == resource.RLIM_INFINITY else min(hard, FEW_FILES)
    more = (
        f"ulimit -n {enough}"
        if enough > soft
        else "the owner of this machine raises nofile in /etc/security/limits.conf"
    )
    return Finding(
        WRONG, f"only {soft} files may be open at a time, and a worker with data loaders takes hundreds", more
    )


def _fork_server(asked: Asked) -> Finding:
    """Start a process from a fork server, as each training is."""
    ended = ran([sys.executable, "-P", "-c", _START], EACH, asked.environment)
    if ended is None:
        return _HANGS
    if ended.code:
        return Finding(
            WRONG,
            f"no process starts from a fork server: {ended.last}",
            "ulimit -u and df -h /tmp show what there is no room for",
        )
    return Finding(OK, "processes start from a fork server")


_HANGS = Finding(
    WRONG,
    f"no process has started from a fork server within {EACH:g} s",
    "uptime shows whether this machine has too much to do",
)
CHECKS = (
    Check("machine", _capacity),
    Check("shared memory", _shared_memory),
    Check("open files", _open_files),
    Check("processes", _fork_server, late=_HANGS),
)
