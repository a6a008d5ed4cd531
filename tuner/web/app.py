"""The dashboard as one application: our pages below a prefix, everything else optuna-dashboard's."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

from anyio.to_thread import run_sync
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from search_spaces.errors import TunerError
from studies.database.retry import hurried
from studies.errors import StorageError, UnknownStudy, UnknownTrial, UnusableStudy
from tuner.web.access.gate import Gate
from tuner.web.access.headers import SafeHeaders
from tuner.web.access.login import login_route
from tuner.web.access.prefix import Prefixed
from tuner.web.access.rules import Access
from tuner.web.answers import AWAY, NOT_FOUND, answer
from tuner.web.beside.artifacts import RunArtifacts
from tuner.web.beside.mounted import OptunaDashboard
from tuner.web.beside.refreshing import Refreshing
from tuner.web.beside.shown import ShownStorage
from tuner.web.health.metrics import metrics_route
from tuner.web.health.probes import probe_routes
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known
from tuner.web.pages import routes
from tuner.web.pages.reading.addresses import study_path
from tuner.web.site import PREFIX, Site
from tuner.web.waiting import AWAY_SENTENCE, AtOnce, at_once

_FAILED = 500
_LOG = logging.getLogger(__name__)


def application(
    site: Site, access: Access | None = None, ready: Callable[[], None] = lambda: None
) -> Starlette:
    """Give the application of a site.

    Args:
        site: what is shown.
        access: who may ask; by default whoever is on this machine.
        ready: is called when the first page will come at once.
    """
    access = access or Access()
    writer = None if site.writer is None else site.writer.storage
    shown = ShownStorage(site.database.storage, site.files, writer=writer)
    artifacts = RunArtifacts(site.database.storage, site.files)
    known, analyses = Known(site.database), Analyses(site.url)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with (
            closing(known),
            closing(analyses),
            Refreshing(known, analyses, shown, lambda name: f"{PREFIX}{study_path(name)}"),
        ):
            await run_sync(_warm, known)
            ready()
            yield

    inner: list[BaseRoute] = [
        *probe_routes(site),
        metrics_route(site, known),
        *([] if access.token is None else [login_route(site, access.token)]),
        Route(PREFIX, _into),
        Mount(PREFIX, routes=routes(site, known, analyses)),
        Mount("/", OptunaDashboard(site, shown, artifacts)),
    ]
    return Starlette(
        routes=inner,
        lifespan=lifespan,
        exception_handlers=_handlers(site),
        middleware=[
            Middleware(SafeHeaders),
            Middleware(Gate, site=site, access=access),
            Middleware(Prefixed),
            Middleware(AtOnce),
        ],
    )


def _warm(known: Known) -> None:
    with hurried(at_once()), suppress(Exception):  # what is wrong is said to whoever asks for a page
        known.warm()


def _into(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PREFIX}/")


Handler = Callable[[Request, Exception], Awaitable[Response]]


def _handlers(site: Site) -> dict[type[Exception] | int, Handler]:
    """Say what becomes of an error that a page raises: a sentence, and never a traceback."""

    def say(status: int, sentence: str | None = None) -> Handler:
        async def handle(request: Request, error: Exception) -> Response:
            return answer(site, request, status, sentence or str(error))

        return handle

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # as it is entered below
        sentence = "There is no such page." if error.status_code == NOT_FOUND else str(error.detail)
        return answer(site, request, error.status_code, sentence)

    async def failed(request: Request, error: Exception) -> Response:
        _LOG.error("%r could not be made.", request.url.path, exc_info=error)
        sentence = "This page could not be made; the log of the server says why."
        return answer(site, request, _FAILED, sentence)

    return {
        HTTPException: told,
        UnknownStudy: say(NOT_FOUND),
        UnknownTrial: say(NOT_FOUND),
        UnusableStudy: say(AWAY),
        StorageError: say(AWAY),
        SQLAlchemyError: say(AWAY, AWAY_SENTENCE),
        StorageInternalError: say(AWAY, AWAY_SENTENCE),
        TunerError: say(400),
        Exception: failed,
    }
