"""The dashboard as one application: our pages below a prefix, everything else optuna-dashboard's."""

from starlette.applications import Starlette
from starlette.routing import Mount

from tuner.web.pages import routes
from tuner.web.site import Site


def application(site: Site) -> Starlette:
    """Give the application of a site."""
    return Starlette(routes=[Mount(site.prefix, routes=routes(site), name="interplay")])
