"""A trial's log that keeps its beginning and its end, however much the training prints.

The training writes to the file itself, so that nothing it prints is waited for. While it writes, the worker
gives the blocks of the file's middle back to the disk, which leaves every byte at its place and loses nothing
that is written meanwhile. The middle is taken out of the file once the training has ended.
"""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 10_000_000  # bytes that a log may have before its middle is taken out
KEPT = 4_000_000  # bytes that are kept at each end then
_LOOKS = 0.2  # seconds between two looks
_LONGEST_LINE = 10_000  # bytes; the cut is made between two lines, unless they are longer
_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # of Linux: https://man7.org/linux/man-pages/man2/fallocate.2.html


@contextmanager
def bounded(log: Path) -> Iterator[None]:
    """While entered, keep a log's middle off the disk; in the end, take the middle out of the file."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOKS):
            free_middle(log)

    thread = threading.Thread(target=watch, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        shorten(log)


def free_middle(log: Path) -> None:
    """Give the blocks of a long log's middle back to the disk, where system and file system know how."""
    punch = getattr(ctypes.CDLL(None), "fallocate", None)
    with suppress(OSError), log.open("r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LONGEST and punch is not None:
            start, length = ctypes.c_int64(KEPT), ctypes.c_int64(size - 2 * KEPT)
            punch(file.fileno(), _KEEP_SIZE | _PUNCH_HOLE, start, length)


def shorten(log: Path) -> None:
    """Take the middle out of a log that nobody writes to any more, and say there how much is missing."""
    with suppress(OSError), log.open("r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= LONGEST:
            return
        file.seek(KEPT - _LONGEST_LINE)
        head = KEPT - _LONGEST_LINE + (file.read(_LONGEST_LINE).rfind(b"\n") + 1 or _LONGEST_LINE)
        file.seek(size - KEPT)
        tail = file.read()
        tail = tail[tail.find(b"\n", 0, _LONGEST_LINE) + 1 :]
        remark = (
            f"\n[Here {size - head - len(tail):,} bytes are left out: a log of more than {LONGEST:,} bytes "
            f"keeps its beginning and its end.]\n"
        )
        file.seek(head)
        file.write(remark.encode() + tail)
        file.truncate()
