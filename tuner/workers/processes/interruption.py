"""Ending early and cleanly: on Ctrl-C, on SIGTERM, when the terminal is closed, and when the time is up."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

# All mean the same. A terminal that is closed sends SIGHUP; `nohup` has it ignored, and that stays.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130  # exit code after any of them, the shell's for Ctrl-C
ENDING = 3.0  # seconds that the database has to hear of an end at once
KEPT = "Interrupted: what was done is kept; the same command goes on."
_SHOW_CURSOR = "\x1b[?25h"  # which a live view had hidden

T = TypeVar("T")


class EndedAtOnce(BaseException):
    """A second signal came before what the first asked for was done.

    Not a `KeyboardInterrupt`, which Lightning turns into an exit code of its own. The message says what is
    done and what is missing, where that is known.
    """

    def __str__(self) -> str:
        """Give the message."""
        return str(self.args[0]) if self.args else KEPT


class Interruption:
    """While entered, turns the first signal, or the end of the time, into `stop`.

    A second signal ends the program at once, and further ones change nothing.
    """

    def __init__(self, timeout: float | None = None) -> None:
        """Set a time limit, in seconds."""
        self.stop = threading.Event()
        self.by_signal = False
        self.is_over = False  # by a signal or the end of the time, and by nothing else that sets `stop`
        self._timer = threading.Timer(timeout, self._end) if timeout else None
        self._before: dict[int, Any] = {}
        self._terminals = [number for number in (1, 2) if os.isatty(number)]

    def __enter__(self) -> Self:
        """Take the signals over and start the clock."""
        self._before = _handled(self._handle)
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
        self._leave_closed_terminals()
        if self.by_signal:
            # Ctrl-C once more shall not reach the handler of the interpreter, which prints a traceback.
            _handled(signal.SIG_IGN)
            self._before = dict.fromkeys(SIGNALS, signal.SIG_IGN)
            raise EndedAtOnce
        self.by_signal = True
        self._end()

    def _leave_closed_terminals(self) -> None:
        """Print to nowhere what would be printed to a terminal that is closed: there it would be an error."""
        for number in self._terminals:
            if not os.isatty(number):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)

    def _end(self) -> None:
        self.is_over = True
        self.stop.set()


@contextmanager
def ending_at_once(sentence: str) -> Iterator[None]:
    """While entered, a signal ends the program there and then, with a sentence.

    For what holds nothing that others would have to be told of: while modules are loaded, results written.
    """
    before = end_at_once(sentence)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_at_once(sentence: str) -> dict[int, Any]:
    """Let a signal end the program there and then, with a sentence; gives the handlers before."""

    def leave(number: int, frame: FrameType | None) -> None:
        _handled(signal.SIG_IGN)
        with suppress(OSError):
            shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(2, f"{shown}{sentence}\n".encode())
        os._exit(INTERRUPTED)

    return _handled(leave)


def within(seconds: float, call: Callable[[], T]) -> T | None:
    """Give what a call gives; None where it raises, or takes longer, such as where the database is away."""
    answers: list[T] = []

    def answer() -> None:
        with suppress(Exception):
            answers.append(call())

    thread = threading.Thread(target=answer, name="last words", daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


def _handled(handler: Any) -> dict[int, Any]:
    """Have all signals handled so; gives the handlers before."""
    before: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, handler)
    return before
