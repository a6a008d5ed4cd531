"""What the dashboard can be asked, as an OpenAPI description: made from its table of routes.

Nobody is served it: it only lets a program that knows OpenAPI make up requests. Our pages tell nothing of
their queries to Starlette, so these stand here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import optuna
import requests
import schemathesis
from optuna_dashboard import wsgi
from starlette.routing import BaseRoute, Mount, Route

from tuner.web.app import application
from tuner.web.pages.reading.asked import ORDERS, SCALES
from tuner.web.site import PREFIX, Site

_ANSWERS = {"responses": {"default": {"description": "a page, JSON or a file"}}}
_CHANGES = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
_FILTERS = {
    "outcome": ("completed", "running", "out of memory"),
    "branch": ("optimizer=sgd", "optimizer=none"),
    "top": ("1", "1000"),
    "order": tuple(ORDERS),
    "scale": tuple(SCALES),
    "page": ("1", "2"),
}
QUERIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    f"{PREFIX}/": {"page": ("1",)},
    f"{PREFIX}/studies/{{name}}": _FILTERS,
    f"{PREFIX}/studies/{{name}}/compare": {"trials": ("0,1", "0,1,2,3", "0")},
    f"{PREFIX}/events": {"study": ()},
    f"{PREFIX}/login": {"next": ("/interplay/",)},
    "/api/studies/{study_id}": {"after": ("0", "3")},
}


def description(site: Site, study: str, *, there: bool) -> dict[str, Any]:
    """Describe every route, ours and optuna-dashboard's.

    Args:
        site: what is shown.
        study: the name of a study that is there.
        there: whether paths lead only to what is there, or nearly; else they may be anything.
    """
    known = {
        "name": (study,),
        "number": ("0", "1", "4", "5"),
        "file": ("trial-0.log", "configuration.yaml"),
        "path": ("style.css", "live.js", "../live.js"),
        "study_id": (1, 2),
        "trial_id": (1, 2),
        "plot_type": ("contour", "slice", "edf", "rank", "timeline"),
        "filename": ("bundle.js",),
    }
    paths: dict[str, Any] = {}
    for method, path in (*_ours(application(site).routes), *_theirs()):
        given = [
            _parameter(name, "path", known.get(name, ()), free=not there)
            for name in dict.fromkeys(re.findall("{(.*?)}", path))
        ] + [_parameter(name, "query", values, free=True) for name, values in QUERIES.get(path, {}).items()]
        changes = {} if method == "get" else _CHANGES
        paths.setdefault(path, {})[method] = {"parameters": given, **changes, **_ANSWERS}
    return {"openapi": "3.1.0", "info": {"title": "the dashboard", "version": "1"}, "paths": paths}


def _ours(routes: list[BaseRoute], before: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount) and route.routes:
            yield from _ours(list(route.routes), before + route.path)
        elif isinstance(route, Mount):
            if route.path:  # what lies at the root is optuna-dashboard's
                yield "get", f"{before}{route.path}/{{path}}"
        elif isinstance(route, Route):
            plain = re.sub(r"{(\w+):\w+}", r"{\1}", before + route.path)
            yield from ((method.lower(), plain) for method in sorted(route.methods or ()) if method != "HEAD")


def _theirs() -> Iterator[tuple[str, str]]:
    for route in wsgi(optuna.storages.InMemoryStorage()).routes:
        plain = re.sub(r"<(\w+)(:[^>]*(\([^)]*\))?)?>", r"{\1}", re.sub(r"<:re:.*?>", "", route.rule))
        yield route.method.lower(), plain


def _parameter(name: str, place: str, values: tuple[Any, ...], *, free: bool) -> dict[str, Any]:
    """Describe a parameter: one of some values, and where it is free whatever there is."""
    kind = "integer" if name in {"study_id", "trial_id"} else "string"
    schemas = ([{"enum": list(values)}] if values else []) + ([{"type": kind}] if free or not values else [])
    return {"name": name, "in": place, "required": place == "path", "schema": {"anyOf": schemas}}


def asked(session: requests.Session, address: str, case: schemathesis.Case) -> tuple[int, str]:
    """Ask for what was made up; of events, which have no end, nothing is read."""
    request = case.as_transport_kwargs(base_url=address)
    with session.request(**request, stream=True, allow_redirects=False, timeout=60) as answer:
        is_endless = answer.headers.get("content-type", "").startswith("text/event-stream")
        return answer.status_code, "" if is_endless else answer.text
