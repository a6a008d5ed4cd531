"""A database that goes away for a while: lost connections, restarts and deadlocks are waited out.

Every call that is repeated has to be one that may be: what was committed though its answer was lost is found
and not done twice. Whoever passes a call here sees to that.
"""

import random
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

PATIENCE = 600.0  # seconds that a worker waits for its database before it ends
FIRST_PAUSE = 0.1  # seconds; each pause is up to twice the one before
LONGEST_PAUSE = 10.0  # seconds

T = TypeVar("T")

# https://www.postgresql.org/docs/current/errcodes-appendix.html: connections, shutdowns and starts, too many
# clients, serialization failures, deadlocks, locks that were not available.
_POSTGRESQL = ("08", "57P0", "53300", "40001", "40P01", "55P03")
# https://dev.mysql.com/doc/mysql-errors/8.0/en/: too many connections, shutdowns, lock timeouts, deadlocks,
# servers that cannot be reached or have gone, connections that were killed.
_MYSQL = frozenset({1040, 1053, 1077, 1079, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2055, 4031})
_SQLITE = ("database is locked", "database table is locked", "database schema has changed")


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
    for attempt in count():
        try:
            return again() if again is not None and attempt else call()
        except Exception as error:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            if not is_passing(error) or clock() - began + pause > limit:
                raise
            sleep(pause)
    raise AssertionError("counting has no end")


def is_passing(error: BaseException) -> bool:
    """Say whether the database may answer the same call later."""
    # A connection that breaks in the midst of a session leaves the second of them.
    return any(
        isinstance(link, PoolTimeout | PendingRollbackError) or _passes(link) for link in _causes(error)
    )


def is_restarting(error: BaseException) -> bool:
    """Say whether a server answered that it ends or begins just now."""
    origins = [link.orig for link in _causes(error) if isinstance(link, DBAPIError)]
    return any(
        str(getattr(origin, "sqlstate", "")).startswith("57P0") or "in shutdown" in str(origin).lower()
        for origin in origins
    )


def _passes(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return error.connection_invalidated
    return error.connection_invalidated or _is_answered_later(error.orig)


def _is_answered_later(origin: BaseException | None) -> bool:
    state = getattr(origin, "sqlstate", None)
    if state is not None:  # PostgreSQL's
        return str(state).startswith(_POSTGRESQL)
    if type(origin).__module__.startswith("psycopg"):
        return True  # without a state it comes from the connection and not from the server
    number = origin.args[0] if origin is not None and origin.args else None
    if isinstance(number, int):  # MySQL's
        return number in _MYSQL
    return any(words in str(origin) for words in _SQLITE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
