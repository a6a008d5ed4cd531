"""Logging in: a page that asks for the token, and gives a browser a cookie for it."""

import hashlib
import hmac
import re
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tuner.web.access.tokens import VALIDITY, Token
from tuner.web.site import PREFIX, Site

LOGIN = f"{PREFIX}/login"  # the path of the page, as this server sees it
_LARGEST = 8192  # bytes of a form
# A path of this server: `//host` and `/\host` lead to another one.
_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


def cookie_name(token: Token) -> str:
    """Name the cookie, by the token: browsers send the cookies of one server to every port of it."""
    return f"interplay_{hmac.new(token.text.encode(), b'cookie name', hashlib.sha256).hexdigest()[:8]}"


def login_route(site: Site, token: Token) -> Route:
    """Give the route of the page."""

    async def login(request: Request) -> Response:
        if request.method != "POST":
            return _page(site, request, request.query_params.get("next", ""))
        form = parse_qs((await request.body())[:_LARGEST].decode("utf-8", "replace"), max_num_fields=10)
        target = _local(form.get("next", [""])[0]) or f"{request.scope.get('root_path', '')}{PREFIX}/"
        if not token.is_it(form.get("token", [""])[0].strip()):
            return _page(site, request, target, wrong=True)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            cookie_name(token),
            token.session(),
            max_age=int(VALIDITY),
            httponly=True,
            samesite="lax",  # a link that somebody shares shall not ask again
            secure="https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "").lower()},
            path="/",
        )
        return response

    return Route(LOGIN, login, methods=["GET", "POST"])


def _page(site: Site, request: Request, target: str, *, wrong: bool = False) -> Response:
    return site.templates.TemplateResponse(
        request, "login.html", {"next": _local(target), "wrong": wrong}, status_code=403 if wrong else 200
    )


def _local(target: str) -> str:
    """Give a path of this server, or nothing."""
    return target if _LOCAL.fullmatch(target) else ""
