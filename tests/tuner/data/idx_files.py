"""Small files in the format of Fashion-MNIST, for tests."""

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write an IDX file of unsigned bytes, compressed if it is called `*.gz`."""
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    content = head + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_fashion(folder: Path, *, train: int = 600, test: int = 100, suffix: str = ".gz") -> None:
    """Write the four files: images whose brightest row tells their class, the classes in turn."""
    draw = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = draw.integers(0, 128, (count, 28, 28), dtype=np.uint8)
        images[np.arange(count), 2 * labels + 3] = 255
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", labels)
