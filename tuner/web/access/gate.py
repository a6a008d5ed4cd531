"""The gate before every page: the names that are asked for, methods, sizes, and whether one may ask at all.

Nothing behind the gate runs for a request that is refused.
"""

import asyncio
import re
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner.web.access.login import LOGIN, cookie_name
from tuner.web.access.prefix import forwarded_prefix
from tuner.web.access.rules import Access
from tuner.web.answers import answer, wants_page
from tuner.web.site import Site

READING = frozenset({"GET", "HEAD"})
OPEN_TO_ALL = frozenset({"/healthz", "/readyz"})  # they say no more than that the server works
_LONGEST_ADDRESS = 8192  # bytes
LARGEST_BODY = 1 << 20  # bytes; notes are far shorter
_SLOWEST = 5.0  # seconds for a body to arrive
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SAME = {"same-origin", "none", None}  # of Sec-Fetch-Site; older browsers do not send it


class Gate:
    """Lets through what may be answered, and answers everything else in a sentence."""

    def __init__(self, app: ASGIApp, site: Site, access: Access) -> None:
        """Stand before an application."""
        self._app, self._site, self._access = app, site, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        refusal = self._refused(request)
        if refusal is None and request.method not in READING:
            try:
                async with asyncio.timeout(_SLOWEST):
                    receive = _again(await _read(request), receive)
            except _TooLarge:
                refusal = self._say(request, 413, f"At most {LARGEST_BODY} bytes can be sent at once.")
            except TimeoutError:
                refusal = self._say(request, 408, "What is sent has to arrive within some seconds.")
            except ClientDisconnect:
                return
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _say(self, request: Request, status: int, sentence: str) -> Response:
        return answer(self._site, request, status, sentence)

    def _refused(self, request: Request) -> Response | None:
        return self._misaddressed(request) or self._writing(request) or self._unknown(request)

    def _misaddressed(self, request: Request) -> Response | None:
        """Refuse what is not addressed to this server, or cannot be an address."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._access.knows(hosts[0]):
            return self._say(
                request,
                421,
                "This server goes by another name; start it with --allowed-host NAME for a name of its own.",
            )
        path, query = request.scope["path"], request.scope["query_string"]
        if len(path) + len(query) > _LONGEST_ADDRESS:
            return self._say(request, 414, f"An address has at most {_LONGEST_ADDRESS} characters.")
        if _CONTROL.search(path) or not query.isascii():
            return self._say(request, 400, "An address holds no control characters, and is percent-encoded.")
        return None

    def _writing(self, request: Request) -> Response | None:
        """Refuse every method but two, unless writing is allowed and no other site asks for it."""
        if request.method in READING:
            return None
        is_login = request.method == "POST" and request.scope["path"] == LOGIN
        if not (is_login and self._access.token) and not self._site.allow_writes:
            refusal = self._say(
                request, 405, "Nothing can be changed here; start the dashboard with --allow-writes for that."
            )
            refusal.headers["Allow"] = ", ".join(sorted(READING))
            return refusal
        origin = request.headers.get("origin")
        is_own = origin is None or urlsplit(origin).netloc == request.headers["host"]
        if not is_own or request.headers.get("sec-fetch-site") not in _SAME:
            return self._say(request, 403, "Another site asked for this change, so it was not made.")
        return None

    def _unknown(self, request: Request) -> Response | None:
        """Refuse whoever has not shown who they are, where that is asked."""
        token, path = self._access.token, request.scope["path"]
        if path in OPEN_TO_ALL or self._is_known(request):
            return None
        if token is None:
            return self._say(request, 401, "Ask by the proxy, which asks who you are.")
        if path == LOGIN:
            return None
        if wants_page(request) and request.method in READING:
            asked = quote(f"{path}?{request.url.query}" if request.url.query else path, safe="/")
            prefix = forwarded_prefix(request.headers)
            return RedirectResponse(f"{prefix}{LOGIN}?next={prefix}{asked}", status_code=303)
        return self._say(request, 401, "Log in with the token, or send it as `Authorization: Bearer TOKEN`.")

    def _is_known(self, request: Request) -> bool:
        """Say whether whoever asks need not show anything, or has shown it."""
        token, header = self._access.token, self._access.proxy_header
        if token is None and header is None:
            return True
        # Of two headers one would not be the proxy's.
        named = [] if header is None else request.headers.getlist(header)
        if len(named) == 1 and named[0].strip():
            return True
        if token is None:
            return False
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        is_bearer = kind.lower() == "bearer" and token.is_it(given.strip())
        return is_bearer or token.is_session(request.cookies.get(cookie_name(token), ""))


class _TooLarge(Exception):
    """A body is larger than any that is taken."""


async def _read(request: Request) -> bytes:
    """Read a body."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _TooLarge
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to whoever reads it now."""
    told = False

    async def receive_again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
