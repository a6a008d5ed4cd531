"""The page of the workers: what each trains, since when, and which are gone."""

from starlette.requests import Request
from starlette.responses import Response

from tuner.web.known.studies import Known
from tuner.web.pages.shown import page
from tuner.web.site import Site


def show_workers(site: Site, known: Known, request: Request) -> Response:
    """Show the workers that have not left, those that still work first."""
    return page(site, request, "workers.html", fleet=known.fleet())
