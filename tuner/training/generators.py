"""The state of every random generator that a training draws from, which Lightning's checkpoints leave out."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch


def capture(loaders: Iterable[Any] = ()) -> dict[str, Any]:
    """Take the state of Python's, NumPy's and torch's generators, and of those that loaders bring."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - the global generator, which users' code draws from
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if uses_cuda() else [],
        "loaders": [generator.get_state() for generator in _of_loaders(loaders)],
    }


def restore(state: dict[str, Any], loaders: Iterable[Any] = ()) -> None:
    """Put every generator back to where `capture` found it."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    for generator, kept in zip(_of_loaders(loaders), state["loaders"], strict=False):
        generator.set_state(kept)


def uses_cuda() -> bool:
    """Say whether this process has begun to use a GPU."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _of_loaders(loaders: Iterable[Any]) -> Iterator[torch.Generator]:
    """Find the generators that were given to loaders or to their samplers, each once."""
    seen: set[int] = set()
    for loader in loaders:
        for owner in (loader, *(getattr(loader, name, None) for name in ("sampler", "batch_sampler"))):
            for part in (owner, getattr(owner, "sampler", None)):
                generator = getattr(part, "generator", None)
                if isinstance(generator, torch.Generator) and id(generator) not in seen:
                    seen.add(id(generator))
                    yield generator
