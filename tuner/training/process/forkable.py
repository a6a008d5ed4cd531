"""Whether a process can be forked: one that holds a GPU cannot, since its children could not use any."""

import os
from contextlib import suppress
from pathlib import Path

import torch

# What a program opens that begins to compute on a GPU, of NVIDIA or AMD; to count GPUs opens none.
DEVICES = ("/dev/nvidia-uvm", "/dev/kfd")
_OPEN = Path("/proc/self/fd")


def holds_gpu(folder: Path = _OPEN) -> bool:
    """Say whether this process has begun to use a GPU, by torch or by any other library.

    Args:
        folder: where the system names the files that are open; where it does not, only torch is asked.
    """
    return bool(torch.cuda.is_initialized()) or any(name in DEVICES for name in _names(folder))  # type: ignore[no-untyped-call]


def _names(folder: Path) -> list[str]:
    found = []
    with suppress(OSError):  # a system without such a folder
        for entry in list(folder.iterdir()):
            with suppress(OSError):  # the one that was open to list them
                found.append(os.readlink(entry))  # noqa: PTH115 - a pipe has a name, and no path
    return found
