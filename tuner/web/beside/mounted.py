"""optuna-dashboard's own application as a part of ours, with an honest answer where it would say 500.

Its pages expect the root of the server. Every error of its own it calls "internal server error", so what its
calls raised is taken down while a request runs, and said in its place.
"""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

from a2wsgi import WSGIMiddleware
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna_dashboard import wsgi
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from studies.database.failures import is_of_database
from studies.errors import StorageError
from tuner.web.answers import AWAY, NOT_FOUND, answer
from tuner.web.beside.artifacts import RunArtifacts
from tuner.web.beside.raised import raised
from tuner.web.beside.shown import LARGEST, ShownStorage
from tuner.web.site import Site
from tuner.web.waiting import AWAY_SENTENCE

UNKNOWN = "The database holds nothing of that number."
_THREADS = 8  # requests that are answered at a time
_WRONG, _ERRORS = 400, 500  # where the statuses of either kind begin
_NUMBERS = re.compile(r"(?<=/)-?\d+(?=/|$)")  # of studies and trials, in a path
_RENAMING = re.compile(r"/api/studies/\d+/rename/*")


class OptunaDashboard:
    """optuna-dashboard as an ASGI application."""

    def __init__(self, site: Site, storage: ShownStorage, artifacts: RunArtifacts) -> None:
        """Show a storage and its files."""
        self._site = site
        inner: Any = wsgi(storage, artifact_store=artifacts)

        def quiet(environ: dict[str, Any], start: Any) -> Any:
            environ["wsgi.errors"] = StringIO()  # tracebacks; what was raised is known without them
            return inner(environ, start)

        # Starlette and a2wsgi each have their own types for the same messages.
        self._app: Any = WSGIMiddleware(quiet, workers=_THREADS)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if refusal := self._refused(request):
            await refusal(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        headers.setdefault("accept-encoding", "identity")  # its static files fail without one
        found: list[BaseException] = []
        has_failed = is_unknown = False

        async def send_honestly(message: Message) -> None:
            nonlocal has_failed, is_unknown
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                status, kind = message["status"], told.get("content-type", "")
                has_failed = status >= _ERRORS or (status >= _WRONG and kind.startswith("text/html"))
                is_unknown = _WRONG <= status < _ERRORS
            if not has_failed:
                await send(message)

        token = raised.set(found)
        try:
            await self._app(scope, receive, send_honestly)
        except Exception:  # what the application has answered with a failure is raised as well
            if not has_failed:
                raise
        finally:
            raised.reset(token)
        if has_failed:
            unknown = answer(self._site, request, NOT_FOUND, "There is no such page.")
            await (unknown if is_unknown else self._explained(request, found))(scope, receive, send)

    def _refused(self, request: Request) -> Response | None:
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 10):  # noqa: PLR2004 - fewer trials
            return answer(self._site, request, 400, "`after` is a whole number: how many trials are known.")
        numbers = _NUMBERS.findall(request.scope["path"])
        if any(len(number) > len(str(LARGEST)) or int(number) > LARGEST for number in numbers):
            return answer(self._site, request, NOT_FOUND, UNKNOWN)
        if _RENAMING.fullmatch(request.scope["path"]):
            return answer(
                self._site,
                request,
                403,
                "A study that optuna-dashboard renames is a copy, which loses its slots; "
                "make a new one instead: `tuner create STUDY --name NAME`.",
            )
        return None

    def _explained(self, request: Request, found: Sequence[BaseException]) -> Response:
        for error in found:
            if isinstance(error, StorageError):
                return answer(self._site, request, AWAY, str(error))
            if is_of_database(error):
                return answer(self._site, request, AWAY, AWAY_SENTENCE)
            if isinstance(error, KeyError | ArtifactNotFound):
                return answer(self._site, request, NOT_FOUND, UNKNOWN)
            if isinstance(error, PermissionError):
                return answer(self._site, request, 403, "That cannot be changed here.")
        if request.method not in {"GET", "HEAD"}:
            return answer(self._site, request, 400, "optuna-dashboard cannot read this request.")
        return answer(self._site, request, 502, "optuna-dashboard could not answer this request.")
