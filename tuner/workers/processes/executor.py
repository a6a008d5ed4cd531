"""Training in processes of its own, so that a trial that dies, hangs or fills the memory costs no worker."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from tuner.training.assignment import Assignment
from tuner.training.ends import End, Ending, Fit, Raised, Reply, TimedOut, Vanished
from tuner.training.fitting.epoch_size import EpochSize
from tuner.training.messages import Measured, Rehearsed, Tested, Unfit
from tuner.training.trainer import Line
from tuner.workers.processes.bounded_log import bounded
from tuner.workers.processes.training import Training

REHEARSAL = 60.0  # seconds of training and validating after which a rehearsal has seen enough
HANGING = 75.0  # seconds without a first batch, or without an end after it, after which a rehearsal hangs

Trial: TypeAlias = End | Rehearsed | Unfit


@dataclass(frozen=True)
class ProcessTrainer:
    """Fits by Lightning, one lane after the other, each in processes of its own: one for each rank.

    An end that was asked for by the line's `stop` is a `Fit` that was interrupted, whatever the training
    makes of it.
    """

    def fit(self, assignments: Sequence[Assignment], line: Line) -> list[End]:
        """Fit each; see `Trainer`."""
        return [self._fit(lane, assignment, line) for lane, assignment in enumerate(assignments)]

    def _fit(self, lane: int, assignment: Assignment, line: Line) -> End:
        with ExitStack() as stack:
            if assignment.log is not None:
                stack.enter_context(bounded(assignment.log))
            end: End = Training(assignment, line, stack, lane=lane).follow()
        if line.stop.is_set() and not isinstance(end, Fit):
            end = Fit(Ending.INTERRUPTED, (), None)
        _drop_empty(assignment.log)
        return end


@dataclass(frozen=True)
class Unheard:
    """A line with nobody at its other end, who would only say when to end."""

    stop: threading.Event = field(default_factory=threading.Event)
    grace: float = 0.0

    def sized(self, lane: int, size: EpochSize) -> tuple[int, ...] | None:
        """Decide nothing."""
        return ()

    def resumed(self, lane: int, scores: Mapping[int, float]) -> None:
        """Hear of it."""

    def scored(self, lane: int, step: int, score: float) -> Reply:
        """Let it go on."""
        return Reply.GO_ON


def rehearse(assignment: Assignment, stop: threading.Event) -> Trial:
    """Try an assignment out in a process of its own.

    Args:
        assignment: what to train for some steps.
        stop: is set to end at once.

    Returns:
        What was seen, or how it ended otherwise; a `Fit` that was interrupted where `stop` was set.
    """
    with ExitStack() as stack:
        # What it prints is not kept, since it may be a gigabyte.
        training = Training(replace(assignment, limit=HANGING), Unheard(stop), stack, rehearsal=REHEARSAL)
        end: Trial = training.follow()
    if stop.is_set() and not isinstance(end, Rehearsed | Unfit):
        return Fit(Ending.INTERRUPTED, (), None)
    if not isinstance(end, TimedOut):
        return end
    if training.has_stepped:
        return Rehearsed(
            None,
            f"The rehearsal was ended {HANGING:.0f} s after its first batch, and had not come to the end of "
            f"a validation; nobody knows whether there is one.",
        )
    return TimedOut(
        f"the rehearsal had trained no batch after {HANGING:.0f} s; if so much has to be done before "
        f"it, give --no-rehearsal"
    )


def test(assignment: Assignment, weights: Path) -> Tested | Raised | Vanished:
    """Test weights on the test part of an assignment's data, in a process of its own.

    Args:
        assignment: what has been trained; an empty log is removed.
        weights: the file.

    Returns:
        The scores, or how it ended otherwise.
    """
    with ExitStack() as stack:
        testing = Training(assignment, Unheard(), stack, tested=weights)
        end: Tested | Raised | Vanished = testing.follow()
    _drop_empty(assignment.log)
    return end


def measure(assignment: Assignment, weights: Path) -> Measured | Raised | Vanished | TimedOut:
    """Measure how sharp the training loss is around weights, in a process of its own.

    Args:
        assignment: what has been trained; an empty log is removed.
        weights: the file.

    Returns:
        What was found, or how it ended otherwise.
    """
    with ExitStack() as stack:
        measuring = Training(assignment, Unheard(), stack, measured=weights)
        end: Measured | Raised | Vanished | TimedOut = measuring.follow()
    _drop_empty(assignment.log)
    return end


def _drop_empty(log: Path | None) -> None:
    if log is not None and log.exists() and not log.stat().st_size:
        log.unlink()
