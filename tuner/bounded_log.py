"""A trial's log that keeps its beginning and its end, however much the training prints.

The training writes to the file itself, so that nothing it prints is waited for; the worker looks at the
file from time to time, and takes out its middle once it has grown too long.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 10_000_000  # bytes that a log may have before its middle is taken out
KEPT = 4_000_000  # bytes that are kept at each end then
_LOOKS = 0.2  # seconds between two looks
_LONGEST_LINE = 10_000  # bytes; the cut is made between two lines, unless they are longer


@contextmanager
def bounded(log: Path) -> Iterator[None]:
    """While entered, and once at the end, take out the middle of a log that has grown too long."""
    bound, done = _Bound(log), threading.Event()

    def watch() -> None:
        while not done.wait(_LOOKS):
            bound.shorten()

    thread = threading.Thread(target=watch, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        bound.shorten()


class _Bound:
    """What is known of a log that is shortened again and again."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._head = 0  # bytes of the beginning, once the middle was taken out
        self._left_out = 0  # bytes taken out so far
        self._remark = b""  # what stands in their place

    def shorten(self) -> None:
        """Take out the middle of the log, if it is too long, and say there how much is missing.

        Processes that append to the file go on at its new end. What they write between the last look at the
        end and the cut is missing too, and not counted.
        """
        with suppress(OSError), self._log.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size <= LONGEST:
                return
            if not self._head:
                file.seek(KEPT - _LONGEST_LINE)
                self._head = (
                    KEPT - _LONGEST_LINE + (file.read(_LONGEST_LINE).rfind(b"\n") + 1 or _LONGEST_LINE)
                )
            file.seek(size - KEPT)
            tail = file.read()
            tail = tail[tail.find(b"\n", 0, _LONGEST_LINE) + 1 :]
            self._left_out += file.tell() - self._head - len(self._remark) - len(tail)
            self._remark = (
                f"\n[Here about {self._left_out:,} bytes are left out: a log of more than {LONGEST:,} bytes "
                f"keeps its beginning and its end.]\n"
            ).encode()
            file.truncate(self._head)
            with self._log.open("ab", buffering=0) as end:
                end.write(self._remark + tail)
