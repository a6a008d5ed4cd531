"""Ending early and cleanly: on Ctrl-C, on SIGTERM, and when the time is up."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndedAtOnce(BaseException):
    """A second signal came before what the first asked for was done.

    Not a `KeyboardInterrupt`, which Lightning turns into an exit code of its own.
    """


class Interruption:
    """While entered, turns the first signal, or the end of the time, into `stop`.

    A second signal ends the program at once.
    """

    def __init__(self, timeout: float | None = None) -> None:
        """Set a time limit, in seconds."""
        self.stop = threading.Event()
        self.by_signal = False
        self.is_over = False  # by a signal or the end of the time, and by nothing else that sets `stop`
        self._timer = threading.Timer(timeout, self._end) if timeout else None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals over and start the clock."""
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.by_signal:
            # Whoever presses Ctrl-C once more shall not meet the interpreter's own handler on the way out.
            self._before = dict.fromkeys(SIGNALS, signal.SIG_IGN)
            raise EndedAtOnce
        self.by_signal = True
        self._end()

    def _end(self) -> None:
        self.is_over = True
        self.stop.set()
