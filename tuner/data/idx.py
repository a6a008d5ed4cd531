"""IDX files, the format of MNIST and the sets that follow it: a few dimensions, then bytes."""

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.errors import BadData

UNSIGNED_BYTES = 0x08  # the third byte of the file: what its numbers are


def read_idx(folder: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, `NAME.gz` or `NAME`.

    Args:
        folder: where the file is.
        name: such as `train-images-idx3-ubyte`.
        dimensions: how many the array has: 3 for images, 1 for labels.

    Raises:
        BadData: the file is damaged or holds something else.
        FileNotFoundError: there is neither of the two.
    """
    packed = folder / f"{name}.gz"
    path = packed if packed.exists() else folder / name
    try:
        content = gzip.decompress(packed.read_bytes()) if path == packed else path.read_bytes()
    except (EOFError, gzip.BadGzipFile) as error:
        raise BadData(f"{path} is no gzip file, or is cut off; copy it anew.") from error
    head = 4 + 4 * dimensions
    if len(content) < head or content[:4] != bytes([0, 0, UNSIGNED_BYTES, dimensions]):
        raise BadData(f"{path} is no IDX file of bytes in {dimensions} dimensions; copy it anew.")
    shape = struct.unpack(f">{dimensions}I", content[4:head])
    promised, held = int(np.prod(shape)), len(content) - head
    if promised != held:
        raise BadData(f"{path} promises {promised} bytes but holds {held}; copy it anew.")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)
