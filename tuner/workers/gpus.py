"""What a worker trains on: GPUs, each leased by one run of a machine at a time, and cores."""

import fcntl
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tuner.errors import Refused

VISIBLE = "CUDA_VISIBLE_DEVICES"
PATIENCE = 30.0  # seconds within which nvidia-smi has to answer; a driver that is broken lets it hang
_DYING = 1.0  # seconds for which a program that was killed is waited for; one that hangs in the driver stays
_NAME = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")  # as `nvidia-smi -L` shows them
_LISTED = re.compile(r"^(?:GPU (\d+)|\s+MIG ).*UUID: ([\w/-]+)", re.MULTILINE)
# What there is where GPUs are, though no nvidia-smi: NVIDIA's, those of Windows, AMD's.
DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True)
class Device:
    """A GPU: its number, the name that is unique to it, and those of the parts that it is cut into."""

    number: str
    unique: str
    parts: tuple[str, ...] = ()


class Gpus:
    """GPUs of this machine to lease, by what CUDA calls them; entered for as long as the leases hold.

    A lease is a lock on a file, which ends with the process that holds it, however that ends. A GPU that is
    named twice is leased twice, by two workers of this run that share it.
    """

    def __init__(
        self,
        wanted: str,
        environment: Mapping[str, str] = os.environ,
        listing: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Take those that are named, such as `0,1`, or with `auto` all that this process may see.

        Args:
            wanted: what is asked for.
            environment: where `CUDA_VISIBLE_DEVICES` may stand.
            listing: what `nvidia-smi -L` prints; by default it is asked.
            patience: seconds within which it has to answer.

        Raises:
            Refused: a name is none, or no GPU of this machine that may be used has it; or nobody says which
                there are.
        """
        self._devices = _listed(wanted, patience) if listing is None else _read(listing)
        allowed = self._allowed(environment)
        self.names = allowed or [] if wanted == "auto" else _split(wanted)
        for name in self.names if wanted != "auto" else []:
            if not _NAME.fullmatch(name):
                raise Refused(f"--gpus {wanted}: {name!r} names no GPU; write auto, or such as 0,1.")
            if allowed and self._unique(name) not in map(self._unique, allowed):
                raise Refused(
                    f"--gpus {wanted}: {name!r} is none of the GPUs that may be used here, which are "
                    f"{', '.join(allowed)}; write one of them, or auto."
                )
        if not self.names or (allowed is not None and not allowed):
            hidden = f", since {VISIBLE} is {environment[VISIBLE]!r}" if VISIBLE in environment else ""
            raise Refused(
                f"--gpus {wanted}: this machine has no GPU that could be used{hidden}; leave it out."
            )
        self._folder = Path(tempfile.gettempdir()) / f"tuner-gpus-{os.getuid()}"
        self._stack = ExitStack()
        self._free, self._held = list(self.names), set[str]()

    def __enter__(self) -> Self:
        """Begin without a lease."""
        self._folder.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Give every lease back."""
        self._stack.close()
        self._free, self._held = list(self.names), set()

    def lease(self, count: int) -> str:
        """Lease so many GPUs to one worker, and name them as `CUDA_VISIBLE_DEVICES` does.

        Raises:
            Refused: there are not as many that no other worker has.
        """
        leased: list[str] = []
        for name in self._free:
            if len(leased) < count and name not in leased and self._holds(self._unique(name)):
                leased.append(name)
        if len(leased) < count:
            shared = ",".join([*self.names, self.names[-1]])
            raise Refused(
                f"--gpus: a worker needs {count} of the GPUs {', '.join(self.names)}, and other workers have "
                f"the rest; start fewer workers, or let some share one: --gpus {shared}."
            )
        for name in leased:
            self._free.remove(name)
        return ",".join(leased)

    @contextmanager
    def lent(self, count: int) -> Iterator[str]:
        """Lease so many to one piece of work; this run keeps them for the next. Errors as `lease`'s."""
        leased = self.lease(count)
        try:
            yield leased
        finally:
            self._free = sorted([*self._free, *leased.split(",")], key=self.names.index)

    def _holds(self, unique: str) -> bool:
        """Lock a GPU, unless this run has locked it; say whether it could."""
        if unique in self._held:
            return True
        file = (self._folder / f"{unique.replace('/', '-')}.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another run has it
            file.close()
            return False
        self._stack.callback(file.close)
        self._held.add(unique)
        return True

    def _unique(self, name: str) -> str:
        """Give what is unique to a GPU that is named by a number, or by the beginning of its unique name."""
        for device in self._devices or ():
            if name == device.number or (name.startswith("GPU-") and device.unique.startswith(name)):
                return device.unique
        return name

    def _allowed(self, environment: Mapping[str, str]) -> list[str] | None:
        """Name the GPUs that may be used; None where nobody can say which there are.

        CUDA takes the names in the variable up to the first that is none.
        """
        known = None if self._devices is None else {
            name for device in self._devices for name in (device.number, device.unique, *device.parts)
        }  # fmt: skip
        if VISIBLE not in environment:
            return None if self._devices is None else _all(self._devices)
        allowed: list[str] = []
        for name in _split(environment[VISIBLE]):
            if not _NAME.fullmatch(name) or (known is not None and self._unique(name) not in known):
                break
            allowed.append(name)
        return allowed


def wanted(names: str | None) -> AbstractContextManager[Gpus | None]:
    """Give the GPUs that are asked for, as `Gpus` takes them, to be entered; None where all may be seen."""
    return nullcontext() if names is None else Gpus(names)


def lent(gpus: Gpus | None, count: int = 1) -> AbstractContextManager[str | None]:
    """Lend so many to one piece of work; None, where all may be seen. Errors as those of `Gpus.lease`."""
    return nullcontext() if gpus is None else gpus.lent(count)


def _all(devices: Sequence[Device]) -> list[str]:
    """Name all GPUs, those that are cut into parts by their parts, of which a program can use one."""
    return [name for device in devices for name in device.parts or (device.number,)]


def _listed(wanted: str, patience: float) -> list[Device] | None:
    """Ask which GPUs there are; None where nobody can say."""
    unknown: list[Device] | None = None if any(Path(device).exists() for device in DEVICES) else []
    try:
        process = subprocess.Popen(
            ["nvidia-smi", "-L"],  # noqa: S607 - where it lies differs
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return unknown
    try:
        listed, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # `subprocess.run` would wait without an end
            process.communicate(timeout=_DYING)
        raise Refused(
            f"--gpus {wanted}: `nvidia-smi -L` has not answered within {patience:g} s, so nobody knows which "
            "GPUs there are; the driver may hang, so run it in a terminal and see, or leave --gpus out."
        ) from None
    return unknown if process.returncode else _read(listed)


def _read(listing: str) -> list[Device]:
    devices: list[Device] = []
    for number, unique in _LISTED.findall(listing):
        if number:
            devices.append(Device(number, unique))
        elif devices:
            last = devices[-1]
            devices[-1] = Device(last.number, last.unique, (*last.parts, unique))
    return devices


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
