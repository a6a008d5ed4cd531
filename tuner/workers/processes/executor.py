"""Training in processes of its own, so that a trial that dies, hangs or fills the memory costs no worker."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

from tuner.training.messages import Raised, Rehearsed, Tested, Unfit
from tuner.training.task import Ending, Fit, Task
from tuner.workers.processes.bounded_log import bounded
from tuner.workers.processes.training import End, Measured, Orders, Scores, TimedOut, Training, Vanished

REHEARSAL = 60.0  # seconds of training and validating after which a rehearsal has seen enough
HANGING = 75.0  # seconds without a first batch, or without an end after it, after which a rehearsal hangs

Trial: TypeAlias = End | Rehearsed | Unfit


def train(
    task: Task,
    orders: Orders,
    scored: Scores,
    resumed: Callable[[Mapping[int, float]], None],
    sized: Measured | None = None,
) -> End:
    """Train a task in processes of its own.

    Args:
        task: what to fit.
        orders: how.
        scored: called with the number and the score of each validation, in order, while the training goes on;
            says whether to stop.
        resumed: called with the scores that stand in the checkpoint that is resumed, by their numbers.
        sized: called before all of these with what an epoch is; gives the validations at which the training
            waits for an answer, None all, instead of those that the orders name.

    Returns:
        How it ended; an end that was asked for by `stop` is a `Fit` that was interrupted, whatever the
        training makes of it.
    """
    with ExitStack() as stack:
        stack.enter_context(bounded(orders.log))
        training = Training(task, orders, stack)
        end: End = training.follow(scored, resumed, sized or (lambda _: orders.decided_at))
    is_asked = orders.stop.is_set()
    if is_asked and not isinstance(end, Fit):
        end = Fit(Ending.INTERRUPTED, (), None)
    if orders.log.exists() and not orders.log.stat().st_size:
        orders.log.unlink()
    return end


def rehearse(task: Task, stop: threading.Event) -> Trial:
    """Try a task out in a process of its own.

    Args:
        task: what to train for some steps.
        stop: is set to end at once.

    Returns:
        What was seen, or how it ended otherwise; a `Fit` that was interrupted where `stop` was set.
    """
    with ExitStack() as stack:
        # What it prints is not kept, since it may be a gigabyte.
        orders = Orders(Path(os.devnull), stop, grace=0.0, limit=HANGING)
        training = Training(task, orders, stack, REHEARSAL)
        end: Trial = training.follow(lambda *_: False, lambda _: None, lambda _: ())
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


def test(task: Task, weights: Path, log: Path) -> Tested | Raised | Vanished:
    """Test weights on the test part of a task's data, in a process of its own.

    Args:
        task: what has been trained.
        weights: the file.
        log: takes what is printed; an empty one is removed.

    Returns:
        The scores, or how it ended otherwise.
    """
    with ExitStack() as stack:
        orders = Orders(log, threading.Event(), grace=0.0)
        testing = Training(task, orders, stack, tested=weights)
        end: Tested | Raised | Vanished = testing.follow(lambda *_: False, lambda _: None, lambda _: ())
    if log.exists() and not log.stat().st_size:
        log.unlink()
    return end
