"""Our own pages of the dashboard."""

from starlette.routing import BaseRoute

from tuner.web.site import Site


def routes(site: Site) -> list[BaseRoute]:
    """Give the addresses of our pages, below the prefix of the site."""
    return []
