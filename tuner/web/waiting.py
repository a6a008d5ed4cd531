"""A request waits for no database: where it is away, that is said at once."""

import threading

from starlette.types import ASGIApp, Receive, Scope, Send

from studies.database.retry import Hurry, hurried

AWAY_SENTENCE = "The database does not answer; this works again as soon as it does."


class AtOnce:
    """Lets the database calls of each request fail at once where a worker's would wait."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        with hurried(at_once()):  # threads that a request begins take this along
            await self._app(scope, receive, send)


def at_once() -> Hurry:
    """Give the hurry in which a call of the database fails at once."""
    over = threading.Event()
    over.set()
    return Hurry(over, seconds=0.0)
