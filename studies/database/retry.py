"""A database that goes away for a while: lost connections, restarts and deadlocks are waited out.

Every call that is repeated has to be one that may be: what was committed though its answer was lost is found
and not done twice. Whoever passes a call here sees to that.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from studies.database.dialects import dialect_named

PATIENCE = 600.0  # seconds that a worker waits for its database before it ends
FIRST_PAUSE = 0.1  # seconds; each pause is up to twice the one before
LONGEST_PAUSE = 10.0  # seconds
WAITED = "The database was waited for until the patience was over."  # note on the error that is raised then
OUTAGE = 20.0  # seconds without an answer after which other workers may have lost their leases as well
INSERTIONS = 100  # each fails only where another process has inserted the same rows meanwhile
SETTLING = 45.0  # seconds after an outage within which all workers have asked again

T = TypeVar("T")


def _nothing() -> None:
    """Do nothing before the first pause."""


@dataclass
class Hurry:
    """How the calls of a thread wait: for `seconds` more once `stop` is set, for good if it never is.

    `first` is called before the first pause, when it is known that the database is away.
    """

    stop: threading.Event
    seconds: float
    first: Callable[[], object] = _nothing
    _has_waited: bool = False
    _since: float | None = None  # when the stop was first seen

    def is_over(self) -> bool:
        """Say whether the stop has been waited for long enough."""
        if self.stop.is_set() and self._since is None:
            self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since >= self.seconds

    def sleep(self, pause: float) -> None:
        """Pause, until `stop` is set at most; from then on more briefly."""
        if not self._has_waited:
            self._has_waited = True
            self.first()
        if self.stop.is_set():
            time.sleep(min(pause, self.seconds, FIRST_PAUSE))
        else:
            self.stop.wait(pause)


_hurry: ContextVar[Hurry | None] = ContextVar("hurry", default=None)


@contextmanager
def hurried(hurry: Hurry) -> Iterator[None]:
    """Let the calls of this thread wait as `hurry` says, within the patience that they have."""
    token = _hurry.set(hurry)
    try:
        yield
    finally:
        _hurry.reset(token)


def persistently(
    call: Callable[[], T],
    *,
    again: Callable[[], T] | None = None,
    patience: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call until the database answers.

    The pauses between two calls are random, so that workers do not come back all at once, and grow
    exponentially; see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    Args:
        call: what to do; it may be done twice, unless there is another thing to do `again`.
        again: what to do from the second time on.
        patience: seconds after which its error is raised, `PATIENCE` by default.
        clock: gives the time in seconds.
        sleep: waits for a number of seconds.

    Raises:
        Exception: what the call raised, where it will not pass by itself or has not within the patience.
    """
    began, limit = clock(), PATIENCE if patience is None else patience
    hurry = _hurry.get()
    for attempt in count():
        try:
            return again() if again is not None and attempt else call()
        except Exception as error:
            if was_waited_for(error):
                raise  # by a call within this one
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            if is_passing(error) and clock() - began > OUTAGE:
                _outage.last = clock()
            if not is_passing(error):
                raise
            if clock() - began + pause > limit or (hurry is not None and hurry.is_over()):
                error.add_note(WAITED)
                raise
            (sleep if hurry is None else hurry.sleep)(pause)
    raise AssertionError("counting has no end")


@dataclass
class _Outage:
    """When this process last waited long for its database, by the monotonic clock."""

    last: float = -inf


_outage = _Outage()


def is_settling() -> bool:
    """Say whether the database was away until just now, so that live workers may not have renewed yet."""
    return time.monotonic() - _outage.last < SETTLING


def is_passing(error: BaseException) -> bool:
    """Say whether the database may answer the same call later."""
    # A connection that breaks in the midst of a session leaves the second of them.
    return any(
        isinstance(link, PoolTimeout | PendingRollbackError) or _passes(link) for link in _causes(error)
    )


def was_waited_for(error: BaseException) -> bool:
    """Say whether an error was raised because the patience was over, so that nobody waits once more."""
    return any(WAITED in getattr(link, "__notes__", ()) for link in _causes(error))


def is_restarting(error: BaseException) -> bool:
    """Say whether a server answered that it ends or begins just now."""
    origins = [link.orig for link in _causes(error) if isinstance(link, DBAPIError)]
    return any(
        str(getattr(origin, "sqlstate", "")).startswith("57P0") or "in shutdown" in str(origin).lower()
        for origin in origins
    )


def _passes(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):  # the driver's own, where it was raised beside a statement
        return _is_answered_later(error)
    return error.connection_invalidated or (error.orig is not None and _is_answered_later(error.orig))


def _is_answered_later(error: BaseException) -> bool:
    """Ask the dialect whose driver raised an error."""
    module = type(error).__module__.partition(".")[0]
    name = {"psycopg": "postgresql", "pymysql": "mysql"}.get(module, "sqlite")
    dialect = dialect_named(name)
    return dialect is not None and dialect.answers_later(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def until_alone(insert: Callable[[], T]) -> T:
    """Insert rows anew, until no other process has inserted the same ones meanwhile."""
    for left in reversed(range(INSERTIONS)):
        try:
            return insert()
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("the last attempt either returns or raises")
