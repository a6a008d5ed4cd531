"""What every answer tells the browser: to guess no types, to be in no frame, and what a page may load."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner.web.site import PREFIX

# Our pages bring no script of their own in the text, and load nothing from elsewhere.
_OURS = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# What is neither ours nor a page of optuna-dashboard's: data, pictures, and files of a study. A file may be
# HTML that a module has written, so it runs nothing and is of no origin.
_NOTHING = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
)
_ADDED = "; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"  # to optuna-dashboard's own policy
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = "Content-Security-Policy"


class SafeHeaders:
    """Puts headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        is_ours = path == PREFIX or path.startswith(f"{PREFIX}/")

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._put(headers, is_ours=is_ours)
            await send(message)

        await self._app(scope, receive, send_safely)

    def _put(self, headers: MutableHeaders, *, is_ours: bool) -> None:
        headers.update(_ALWAYS)
        if location := headers.get("location"):  # a path alone leads through every proxy, and nowhere else
            parts = urlsplit(location)
            headers["location"] = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if "access-control-allow-origin" in headers:  # optuna-dashboard would let every site read files
            del headers["access-control-allow-origin"]
        own, kind = headers.get(_POLICY), headers.get("content-type", "")
        if is_ours:
            headers.setdefault(_POLICY, _OURS)
        elif own is not None:
            headers[_POLICY] = own + ("" if "frame-ancestors" in own else _ADDED)
        elif not kind.startswith(("text/css", "text/javascript", "application/javascript", "font/")):
            headers[_POLICY] = _NOTHING
        headers.setdefault("X-Frame-Options", "SAMEORIGIN" if _POLICY in headers and not is_ours else "DENY")
        if not headers.get("content-type", "").startswith(("text/css", "text/javascript", "font/")):
            headers.setdefault("Cache-Control", "no-store")
