"""Our own pages of the dashboard."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tuner.web.beside.artifacts import RunArtifacts
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known
from tuner.web.pages.live import Versions, events_of
from tuner.web.pages.reading.addresses import name_in, segment
from tuner.web.pages.shared import Shared
from tuner.web.pages.shown import prepare
from tuner.web.pages.studies import list_studies
from tuner.web.pages.study import show_analysis, show_study
from tuner.web.pages.trial import compare, send_file, show_trial
from tuner.web.pages.workers import show_workers
from tuner.web.site import PREFIX, Site

STATIC = Path(__file__).parent / "static"


class _Name(Convertor[str]):
    """The name of a study as a segment of a path."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return name_in(value)

    def to_string(self, value: str) -> str:
        return segment(value)


def routes(site: Site, known: Known, analyses: Analyses) -> list[BaseRoute]:
    """Give the addresses of our pages, below their prefix."""
    register_url_convertor("study", _Name())
    prepare(site.templates.env)
    versions = Versions(known, analyses)
    shared = Shared(versions)

    def route(path: str, make: Callable[[Request], Response]) -> Route:
        return Route(path, partial(shared.answer, make), methods=["GET"])

    study, trial = "/studies/{name:study}", "/studies/{name:study}/trials/{number}"
    artifacts = RunArtifacts(site.database.storage, site.files)
    return [
        route("/", partial(list_studies, site, known)),
        Route("/studies", _all, methods=["GET"]),
        route("/workers", partial(show_workers, site, known)),
        events_of(versions),
        route(study, partial(show_study, site, known, analyses)),
        route(f"{study}/analysis", partial(show_analysis, site, known, analyses)),
        route(f"{study}/compare", partial(compare, site, known)),
        route(trial, partial(show_trial, site, known)),
        Route(f"{trial}/files/{{file}}", partial(send_file, site, known, artifacts), methods=["GET"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def _all(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('app_root_path', '')}{PREFIX}/")
