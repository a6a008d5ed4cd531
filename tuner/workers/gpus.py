"""What a worker trains on: GPUs, each leased to one worker of a machine at a time, and cores."""

import fcntl
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tuner.errors import Refused

VISIBLE = "CUDA_VISIBLE_DEVICES"
_NAME = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")  # as `nvidia-smi -L` shows them


class Gpus:
    """GPUs of this machine to lease, by what CUDA calls them; entered for as long as the leases hold.

    A lease is a lock on a file, which ends with the process that holds it, however that ends.
    """

    def __init__(self, wanted: str, environment: Mapping[str, str] = os.environ) -> None:
        """Take those that are named, such as `0,1`, or with `auto` all that this process may see."""
        self.names = _visible(environment) if wanted == "auto" else _split(wanted)
        wrong = [] if wanted == "auto" else [name for name in self.names if not _NAME.fullmatch(name)]
        if wrong:
            raise Refused(f"--gpus {wanted}: {wrong[0]!r} names no GPU; write auto, or such as 0,1.")
        if not self.names:
            raise Refused(f"--gpus {wanted}: this machine has no GPU that could be used; leave it out.")
        self._folder = Path(tempfile.gettempdir()) / f"tuner-gpus-{os.getuid()}"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin without a lease."""
        self._folder.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Give every lease back."""
        self._stack.close()

    def lease(self, count: int) -> str:
        """Lease so many GPUs, and name them as `CUDA_VISIBLE_DEVICES` does.

        Raises:
            Refused: there are not as many that no other worker has.
        """
        leased: list[str] = []
        for name in self.names:
            if len(leased) == count:
                break
            file = (self._folder / f"{name.replace('/', '-')}.lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another worker has it
                file.close()
                continue
            self._stack.callback(file.close)
            leased.append(name)
        if len(leased) < count:
            raise Refused(
                f"--gpus: a worker needs {count} of the GPUs {', '.join(self.names)}, and other workers have "
                f"the rest; start fewer workers."
            )
        return ",".join(leased)


def _visible(environment: Mapping[str, str]) -> list[str]:
    if VISIBLE in environment:
        return _split(environment[VISIBLE])
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],  # noqa: S607 - where it lies differs
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return []
    return listed.stdout.split()


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
