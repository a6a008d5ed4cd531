"""What a proxy has taken away from the front of a path, put back so that links lead through the proxy."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_LONGEST = 1000  # characters


def forwarded_prefix(headers: Headers) -> str:
    """Give what a proxy has taken away from the front of a path; nothing where it is no plain path.

    A browser cannot be made to send the header by a link, so at most whoever asks gets addresses that lead
    nowhere. They never lead to another server: a path of one slash and a name does not.
    """
    given = headers.get("x-forwarded-prefix", "").rstrip("/")
    return given if len(given) < _LONGEST and _PREFIX.fullmatch(given) else ""


class Prefixed:
    """Puts back what a proxy has taken away from the front of a path."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            prefix = forwarded_prefix(Headers(scope=scope))
            if prefix:
                scope = {**scope, "root_path": prefix, "path": f"{prefix}{scope['path']}"}
        await self._app(scope, receive, send)
