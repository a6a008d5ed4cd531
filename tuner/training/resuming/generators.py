"""The state of the generators that a whole process draws from, which Lightning's checkpoints leave out."""

import random
from typing import Any

import numpy as np
import torch


def capture() -> dict[str, Any]:
    """Take the state of Python's, NumPy's and torch's generators."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - the global generator, which users' code draws from
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if uses_cuda() else [],
    }


def restore(state: dict[str, Any]) -> None:
    """Put every generator back to where `capture` found it."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    # Another machine may have fewer GPUs, or none.
    for number, own in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(own, number)


def uses_cuda() -> bool:
    """Say whether this process has begun to use a GPU."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
