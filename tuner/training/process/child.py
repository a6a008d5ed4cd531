"""What runs in a training process: one fit, which speaks with its worker over a pipe."""

import errno
import json
import multiprocessing
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import torch

from search_spaces.errors import first_line
from tuner.errors import NotAllowed
from tuner.training.assignment import Assignment
from tuner.training.ends import Fault, Raised, Reply
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.fitting.fit import fit, tested
from tuner.training.fitting.quiet import silence_lightning
from tuner.training.fitting.rehearsal import rehearse
from tuner.training.messages import (
    PRELOAD,
    Answer,
    Begun,
    Decisions,
    Leave,
    Measured,
    Resumed,
    Scored,
    Sized,
    Start,
    Stepped,
)
from tuner.training.process.by_value import unpack
from tuner.training.process.changed import forget_changed
from tuner.training.process.parent import die_with_parent, let_children_die_too
from tuner.training.process.ranks import for_ranks, without_gpu
from tuner.training.sharpness.measure import measure

# What torch's data loader says when one of its processes was killed; it has no class of its own for that.
_KILLED_LOADER = re.compile(
    r"DataLoader worker \(pid(\(s\))? [\d, ]+\) "
    r"(is killed by signal: (Killed|Terminated)|exited unexpectedly)"
)
# What torch says in errors without a class of their own: on the CPU, of the CUDA runtime, of cuBLAS.
_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
# Errors of a GPU; torch has had the class since 2.8.
_OF_DEVICE: type[BaseException] | tuple[()] = getattr(torch, "AcceleratorError", ())
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND
# What torch and Lightning import only when they fit; a child would spend a second on it.
PRELOADED_BY_NAME = ("torch._dynamo", "pytorch_lightning.cli")


def answer(pipe: Connection, start: Start) -> None:
    """Train as one process of an assignment, and send how it ended."""
    os.setsid()  # with all processes that the training starts, so that they can be ended together
    die_with_parent()
    let_children_die_too()
    # Data loaders start their processes as they do under plain Lightning, and not by a fork server of their
    # own, which would need picklable data and outlive a training that is killed.
    multiprocessing.set_start_method(None, force=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave_it_to_the_worker)
    assignment = start.assignment
    _print_to(str(assignment.log or os.devnull))
    _forget_strangers()
    forget_changed()
    _join_ranks(start)
    silence_lightning()
    line = WorkerPipe(pipe)
    try:
        unpack(start.code)
        assignment = replace(assignment, configuration=for_ranks(assignment.configuration, assignment.ranks))
        _look_for_gpus(assignment)
        if (start.tested or start.measured) and assignment.threads is not None:
            torch.set_num_threads(assignment.threads)
        if start.measured is not None:
            ending: object = Measured(
                measure(assignment.configuration, Path(start.measured), assignment.seed)
            )
        elif start.tested is not None:
            ending = tested(assignment.configuration, Path(start.tested), assignment.seed)
        elif start.rehearsal is None:
            ending = fit(assignment, line.report, line.time_left, line.resumed, line.sized)
        else:
            line.stepped(0)
            ending = rehearse(assignment, start.rehearsal, lambda: line.stepped(1))
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is an outcome
        at, trace = time.monotonic(), "".join(traceback.format_exception(error))
        line.end_with(Raised(_cause(error), trace, _fault(error), at))
    else:
        line.end_with(ending)


class WorkerPipe:
    """The training's end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        """Listen in a thread of its own, since the training is busy."""
        self._pipe = pipe
        self._decided_at: tuple[int, ...] | None = None
        self._answers: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._decisions: queue.SimpleQueue[tuple[int, ...] | None] = queue.SimpleQueue()
        self._deadline: float | None = None
        self._has_begun = False
        self._has_ended = False
        self._reported = 0  # number of the last score
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def report(self, step: int, score: float) -> Reply:
        """Send a score, and wait for what is said to it where that is needed."""
        # A metric may be logged in some validations only, so a decision is due at the first score behind it.
        waits = self._decided_at is None or any(self._reported < due <= step for due in self._decided_at)
        self._reported = step
        self._pipe.send(Scored(step, score, waits))
        return self._answers.get() if waits else Reply.GO_ON

    def sized(self, size: EpochSize) -> None:
        """Tell what an epoch is, and hear where decisions fall."""
        self._pipe.send(Sized(size))
        self._decided_at = self._decisions.get()

    def stepped(self, batches: int) -> None:
        """Say how far a rehearsal is."""
        self._pipe.send(Stepped(batches))

    def resumed(self, scores: Mapping[int, float]) -> None:
        """Send the scores that an earlier process had sent, by their numbers."""
        self._reported = max(scores, default=0)
        self._pipe.send(Resumed(dict(scores)))

    def time_left(self) -> float | None:
        """Give the seconds within which the worker wants the training to end; None while it does not.

        A fit asks from its first batch on, so the worker hears then that there is something to wait for.
        """
        if not self._has_begun:
            self._has_begun = True
            self._pipe.send(Begun())
        deadline = self._deadline
        return None if deadline is None else deadline - time.monotonic()

    def end_with(self, ending: object) -> None:
        """Send how the training ended; nothing more will be sent."""
        self._has_ended = True
        self._pipe.send(ending)

    def _listen(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                break
            if isinstance(message, Answer):
                self._answers.put(message.reply)
            elif isinstance(message, Decisions):
                self._decisions.put(message.decided_at)
            elif isinstance(message, Leave):
                self._deadline = time.monotonic() + message.seconds
        if not self._has_ended:  # the worker is gone, and nobody wants to know any more
            os.killpg(0, signal.SIGKILL)


def _leave_it_to_the_worker(number: int, frame: FrameType | None) -> None:
    """Do nothing: a handler, and not SIG_IGN, because the programs that a training starts inherit that."""


def _print_to(log: str) -> None:
    """Send everything that this process and those that it starts print to a file."""
    try:
        file = os.open(log, _APPEND, 0o666)
    except FileNotFoundError:  # another worker has ended just now, and removed the folder while it was empty
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, _APPEND, 0o666)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(file, stream.fileno())
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # they are files here
    os.close(file)


def _forget_strangers() -> None:
    """Forget preloaded modules that lie where this process would not look for them."""
    gone = {*json.loads(os.environ.get(PRELOAD) or "{}").get("paths", ())} - {*sys.path}
    if gone:
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and os.path.dirname(file) in gone:  # noqa: PTH120
                del sys.modules[name]


def _join_ranks(start: Start) -> None:
    """Say by environment variables, as torchrun does, which of the ranks this process is."""
    assignment = start.assignment
    # In a Slurm job Lightning would take Slurm's tasks for its ranks, but they are workers.
    os.environ.pop("SLURM_NTASKS", None)
    if assignment.gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = assignment.gpus  # no fork server has looked at it yet
    if assignment.ranks > 1:
        os.environ |= {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(start.port),
            "WORLD_SIZE": str(assignment.ranks),
            "LOCAL_RANK": str(start.rank),
            "NODE_RANK": "0",
        }


def _fault(error: BaseException) -> Fault:
    """Say whose fault an exception, or one behind it, is."""
    # First, since a loader that is killed breaks off what it sends too, which is an error of its own.
    if any(_is_of_killed_loader(link) for link in _chain(error)):
        return Fault.KILLED
    for link in _chain(error):
        if isinstance(link, NotAllowed):
            return Fault.REFUSED
        if isinstance(link, MemoryError | torch.OutOfMemoryError):
            return Fault.MEMORY
        if isinstance(link, RuntimeError) and any(words in str(link) for words in _NO_MEMORY):
            return Fault.MEMORY
        if isinstance(link, OSError):
            return Fault.DISK if link.errno in {errno.ENOSPC, errno.EDQUOT} else Fault.DATA
    return Fault.CODE


def _look_for_gpus(assignment: Assignment) -> None:
    """Refuse to train on the CPU where a GPU was given; that ends the worker, and costs no trial."""
    if assignment.gpus is not None:
        lacking = without_gpu(assignment.configuration, assignment.gpus, torch.cuda.device_count())
        if lacking:
            raise NotAllowed(lacking)


def _cause(error: BaseException) -> str:
    """Say what an exception is; of a GPU's the first line, since the others are the same advice each time."""
    if not isinstance(error, _OF_DEVICE):
        return f"{type(error).__name__}: {error}"
    remark = "; the trial's log shows which" if "device-side assert" in str(error) else ""
    return f"{type(error).__name__}: {first_line(error)}{remark}"


def _is_of_killed_loader(error: BaseException) -> bool:
    """Say whether torch tells of a killed loader, or what one was sending broke off on its way."""
    if isinstance(error, RuntimeError):
        return _KILLED_LOADER.match(str(error)) is not None
    if not isinstance(error, OSError | EOFError):
        return False
    modules = {frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)}
    return "torch.multiprocessing.reductions" in modules


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
