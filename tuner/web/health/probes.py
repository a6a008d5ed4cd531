"""`/healthz`: this server answers. `/readyz`: so does its database. Both tell anyone no more than that."""

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from studies.database.failures import is_of_database
from studies.errors import StorageError
from tuner.web.answers import AWAY, RETRY
from tuner.web.site import Site
from tuner.web.waiting import AWAY_SENTENCE


def probe_routes(site: Site) -> list[BaseRoute]:
    """Give the routes of both."""

    def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def readyz(request: Request) -> Response:
        if not answers(site):
            return PlainTextResponse(f"{AWAY_SENTENCE}\n", status_code=AWAY, headers={"Retry-After": RETRY})
        return PlainTextResponse("ok\n")

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def answers(site: Site) -> bool:
    """Say whether the database answers."""
    try:
        with site.database.engine.connect() as connection:
            connection.execute(sa.select(1))
    except Exception as error:
        if not (is_of_database(error) or isinstance(error, StorageError)):
            raise
        return False
    return True
