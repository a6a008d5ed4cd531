"""The processes of one training, followed by their pipes until they have ended or have to be ended.

The processes are children of a fork server that has imported torch and Lightning, so one costs some
hundredths of a second. A plain fork of a process that has used threads would hang.
"""

import multiprocessing
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from math import inf
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tuner.training.assignment import Assignment
from tuner.training.ends import End, Ending, Fault, Fit, Raised, Reply, TimedOut, Vanished
from tuner.training.messages import Answer, Begun, Decisions, Leave, Resumed, Scored, Sized, Start, Stepped
from tuner.training.process.by_value import pack
from tuner.training.process.entry import enter
from tuner.training.trainer import Line
from tuner.workers.processes.fork_server import TICK, UNTOLD, end_process, started, warm_up
from tuner.workers.processes.memory import count_kills

LEAVING = 0.75  # share of the grace period within which a training shall end by itself
KILLING = 0.9  # share of it after which it is killed, so that its slot can still be freed
_SETTLING = 2.0  # seconds in which other ranks may say why one has ended
_EXIT = 10.0  # seconds that a training that has said how it ended has for its own clean-up


class Training:
    """The processes of one training, by their pipes."""

    def __init__(
        self,
        assignment: Assignment,
        line: Line,
        stack: ExitStack,
        *,
        lane: int = 0,
        rehearsal: float | None = None,
        tested: Path | None = None,
        measured: Path | None = None,
    ) -> None:
        warm_up()
        context = multiprocessing.get_context("forkserver")
        self._line, self._lane, self._limit = line, lane, assignment.limit
        self._began = time.monotonic()
        self._kills = count_kills()
        self._ends: list[Any] = []
        self._settled_at = inf
        self._asked_at: float | None = None
        self._abandoned = False
        self.has_stepped = False
        self._has_begun = False
        self._processes: dict[Connection, ForkServerProcess] = {}
        code = pack(assignment.configuration)
        port = _free_port() if assignment.ranks > 1 else 0
        for rank in range(assignment.ranks):
            ours, theirs = context.Pipe()
            stack.callback(ours.close)
            on, around = (None if file is None else str(file) for file in (tested, measured))
            start = Start(assignment, rank, port, rehearsal, on, code, around)
            # Not a daemon, because data loaders start processes of their own.
            process = context.Process(target=enter, args=(theirs, start))
            stack.callback(theirs.close)
            try:
                if not started(process, line.stop):
                    self._ends.append(Fit(Ending.INTERRUPTED, (), None))
                    return
            except (OSError, EOFError):
                cause = "its process could not be started, because the fork server was ended"
                self._ends.append(Vanished(cause, killed=True, out_of_memory=False))
                return
            stack.callback(end_process, process)
            theirs.close()
            self._processes[ours] = process

    def follow(self) -> Any:
        """Hear what the training says until it has ended, or has to be ended."""
        if self._ends:  # not all of them could be started
            return self._ends[0]
        running = dict(self._processes)
        while running:
            # First of all, so that a training that begins when it should leave hears so in time.
            end = self._overdue(time.monotonic(), list(running))
            if end is not None:
                return end
            for pipe in _ready(running, TICK):
                message = _received(pipe)
                if isinstance(message, Scored):
                    self._answer(pipe, message)
                elif isinstance(message, Begun):
                    self._has_begun = True
                elif isinstance(message, Resumed):
                    self._line.resumed(self._lane, message.scores)
                elif isinstance(message, Sized):
                    _send(pipe, Decisions(self._line.sized(self._lane, message.size)))
                elif isinstance(message, Stepped):
                    # The time of a rehearsal begins with it, and not with the fork server's imports.
                    self._began, self.has_stepped = time.monotonic(), message.batches > 0
                else:
                    end = self._vanished(running[pipe]) if message is None else self._heard(message)
                    # What only the first rank knows, such as which state could not be stored, is told by it.
                    self._ends.insert(0 if pipe is next(iter(self._processes)) else len(self._ends), end)
                    del running[pipe]
        self._let_exit()
        return _first(self._ends)

    def _answer(self, pipe: Connection, message: Scored) -> None:
        reply = self._line.scored(self._lane, message.step, message.score)
        if message.waits:
            _send(pipe, Answer(reply))
        elif reply is Reply.STOP:  # nobody waits for its score any more
            self._abandoned = True

    def _overdue(self, now: float, running: list[Connection]) -> End | None:
        """Say how the training ends if it has to be killed now, and ask it to leave where that is asked."""
        limit, grace = self._limit, self._line.grace
        if self._settled_at == inf and any(_is_early(end) for end in self._ends):
            self._settled_at = now + _SETTLING
        if self._abandoned:
            return Fit(Ending.STOPPED, (), None)
        if now > self._settled_at:
            end: End = _first(self._ends)
            return end
        if self._asked_at is None and self._line.stop.is_set():
            if not self._has_begun:
                return Fit(Ending.INTERRUPTED, (), None)  # nothing would come of waiting
            self._asked_at = now
            for pipe in running:
                _send(pipe, Leave(LEAVING * grace))
        if self._asked_at is not None and now - self._asked_at > KILLING * grace:
            return Fit(Ending.INTERRUPTED, (), None)
        if limit is not None and now - self._began > limit:
            return TimedOut(f"it took longer than the {limit:g} s that study.trial_timeout allows")
        return None

    def _let_exit(self) -> None:
        """Wait until the processes have cleaned up behind them."""
        deadline = time.monotonic() + _EXIT
        for process in self._processes.values():
            process.join(max(0.0, deadline - time.monotonic()))

    def _heard(self, end: Any) -> Any:
        """Give an end as it was told, short of an error that says no more than that a process was killed."""
        if not isinstance(end, Raised) or end.fault is not Fault.KILLED:
            return end
        out_of_memory = count_kills() > self._kills
        remark = ", because the memory was full" if out_of_memory else ""
        cause = f"a process that loads its data was killed{remark}: {end.cause}"
        return Vanished(cause, killed=True, out_of_memory=out_of_memory)

    def _vanished(self, process: ForkServerProcess) -> Vanished:
        process.join(_EXIT)
        code = process.exitcode
        if code is not None and code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        elif code == UNTOLD:
            how = f"was killed with its fork server, or exited with {code}"
        else:
            how = f"exited with {code} in the middle of the training"
        out_of_memory = code == -signal.SIGKILL and count_kills() > self._kills
        killed = code in {None, -signal.SIGKILL, -signal.SIGTERM, UNTOLD}
        remark = ", because the memory was full" if out_of_memory else ""
        return Vanished(f"its process {how}{remark}", killed, out_of_memory)


def _ready(running: Mapping[Connection, ForkServerProcess], seconds: float) -> list[Connection]:
    """Wait until some of the processes have said something or ended, those of rank 0 last."""
    heard = wait([*running, *(process.sentinel for process in running.values())], seconds)
    return [pipe for pipe, process in running.items() if pipe in heard or process.sentinel in heard]


def _received(pipe: Connection) -> Any:
    """Give the next message, or None where there will be none."""
    try:
        # Processes that a training started may hold its end of the pipe open, so its end is not awaited.
        return pipe.recv() if pipe.poll() else None
    except (EOFError, OSError):
        return None


def _send(pipe: Connection, message: object) -> None:
    with suppress(OSError):  # it has ended just now, which is heard next
        pipe.send(message)


def _is_early(end: object) -> bool:
    """Say whether the other ranks cannot go on."""
    return not isinstance(end, Fit)  # ranks end a fit together, and each may have loggers to close


def _first(ends: Sequence[Any]) -> Any:
    """Give the end that explains the others: a rank that has lost another one raises an error."""
    return min(ends, key=lambda end: (isinstance(end, Raised), isinstance(end, Fit), getattr(end, "at", 0.0)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
