"""Answers that say in a sentence why there is nothing else: a page for a browser, JSON for a program."""

import json

from starlette.requests import Request
from starlette.responses import Response

from tuner.web.site import Site

NOT_FOUND, AWAY = 404, 503
RETRY = "5"  # seconds after which a database that is away may be back
_TITLES = {
    400: "This request is wrong",
    401: "Log in first",
    403: "That is not allowed",
    404: "There is no such page",
    405: "The dashboard is read-only",
    408: "That took too long",
    413: "That is too much",
    414: "That address is too long",
    421: "This server has another name",
    502: "optuna-dashboard failed",
    503: "There is no answer at the moment",
}


def answer(site: Site, request: Request, status: int, sentence: str) -> Response:
    """Say in a sentence why there is nothing else.

    Args:
        site: whose templates are used.
        request: what was asked; a browser asks for HTML, optuna-dashboard's page and programs for JSON.
        status: the HTTP status.
        sentence: what, where, and what to do instead; it holds no secret.
    """
    headers = {"Retry-After": RETRY} if status == AWAY else {}
    if status == 401:  # noqa: PLR2004 - the only one that asks for it
        headers["WWW-Authenticate"] = "Bearer"
    if wants_page(request):
        return site.templates.TemplateResponse(
            request,
            "answer.html",
            {"title": _TITLES.get(status, "Something went wrong"), "sentence": sentence},
            status_code=status,
            headers=headers,
        )
    body = json.dumps({"reason": sentence})  # as optuna-dashboard's page reads it
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def wants_page(request: Request) -> bool:
    """Say whether a person looks at the answer."""
    return "text/html" in request.headers.get("accept", "")
