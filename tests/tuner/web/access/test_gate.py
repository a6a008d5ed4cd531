"""What is let through to the pages, asked of a real server."""

from urllib.parse import quote

from studies.ledger.ledger import Ledger
from tests.tuner.web.served import Served, path_of, served
from tuner.web.access.rules import Access
from tuner.web.access.tokens import Token

SECRET = "correct-horse-battery"  # noqa: S105 - of this test
GUARDED = Access(token=Token(SECRET))
FORM = "application/x-www-form-urlencoded"


def logged_in(server: Served, target: str = "/dashboard") -> str:
    """Log in as a browser does, and give the cookie."""
    form = f"token={SECRET}&next={quote(target)}".encode()
    told = server.ask("/interplay/login", "POST", body=form, Content_Type=FORM)
    assert told.status == 303
    assert told.headers["location"] == target
    return told.headers["set-cookie"].partition(";")[0]


def test_nothing_is_changed_by_any_method(url: str, ledger: Ledger) -> None:
    """Without `--allow-writes` every method but GET and HEAD is refused, and the study is still there."""
    methods = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "PROPFIND")
    paths = ("/api/studies/1", "/interplay/", "/interplay/login", "/metrics", "/healthz", "/nowhere")
    with served(url) as server:
        answers = {server.ask(path, method, body=b"{}").status for path in paths for method in methods}
        assert answers == {405}
        assert server.ask("/api/studies/1").data["name"] == ledger.name


def test_writing_takes_leave_and_no_other_site_can_ask_for_it(url: str, ledger: Ledger) -> None:
    """With `--allow-writes` a note is written; a page of another site is refused all the same."""
    note = b'{"version": 1, "body": "mine"}'
    json = {"body": note, "Content_Type": "application/json"}
    with served(url, allow_writes=True) as server:
        path = "/api/studies/1/note"
        for foreign in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            assert server.ask(path, "PUT", **json, **foreign).status == 403
        assert server.ask(path, "PUT", **json, Origin=server.address).status == 204
        assert server.ask("/api/studies/1").data["note"]["body"] == "mine"
        assert server.ask("/api/studies/1/rename", "POST", **json).status == 403
        assert server.ask(path, "PUT", body=b"x" * (2 << 20)).status == 413
        assert (
            server.ask("/api/studies/1", "DELETE", body=b"{}", Content_Type="application/json").status == 204
        )
        assert server.ask("/api/studies/1").status in {200, 404}  # what was read a moment ago is still shown
    with served(url) as server:
        assert server.ask("/api/studies/1").status == 404


def test_another_name_reaches_nothing(url: str, ledger: Ledger) -> None:
    """A domain that is pointed at this machine is refused, whatever else it sends."""
    with served(url) as server:
        told = server.ask("/api/studies", Host="evil.example")
        assert told.status == 421
        assert ledger.name not in told.text
        assert b" 400 " in server.raw(
            b"GET /api/studies HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n"
        )
        assert server.ask("/api/studies", Host="localhost").status == 200
        assert server.ask("/", X_Forwarded_Host="evil.example").headers["location"] == "/dashboard"


def test_without_the_token_there_is_only_the_login(url: str, ledger: Ledger) -> None:
    """A browser is led to the login, a program is told, and nothing of a study is said to either."""
    with served(url, access=GUARDED) as server:
        for path in ("/", "/dashboard", "/api/studies", "/metrics", "/interplay/", "/static/bundle.js", "/x"):
            page = server.ask(path, Accept="text/html")
            assert (page.status, page.headers["location"]) == (303, f"/interplay/login?next={path}")
            told = server.ask(path)
            assert (told.status, told.headers["www-authenticate"]) == (401, "Bearer")
            assert ledger.name not in page.text + told.text
        assert server.ask("/healthz").text == "ok\n"
        assert server.ask("/readyz").text == "ok\n"


def test_a_program_shows_the_token_and_a_browser_its_cookie(url: str, ledger: Ledger) -> None:
    """Both are let in; a wrong token, another's cookie and the token in an address are not."""
    with served(url, access=GUARDED) as server:
        cookie = logged_in(server)
        assert SECRET not in cookie
        assert server.ask("/api/studies", Cookie=cookie).status == 200
        assert server.ask("/api/studies", Authorization=f"Bearer {SECRET}").status == 200
        for wrong in (f"Bearer {SECRET}x", "Bearer", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}, x"):
            assert server.ask("/api/studies", Authorization=wrong).status == 401
        assert server.ask("/api/studies", Cookie=cookie[:-1]).status == 401
        assert server.ask(f"/api/studies?token={SECRET}").status == 401


def test_the_cookie_is_for_this_server_and_no_script(url: str, ledger: Ledger) -> None:
    """It is HttpOnly and SameSite, and Secure where the browser came by TLS."""
    form = f"token={SECRET}".encode()
    with served(url, access=GUARDED) as server:
        plain = server.ask("/interplay/login", "POST", body=form)
        behind = server.ask("/interplay/login", "POST", body=form, X_Forwarded_Proto="https")
    attributes = {part.strip().lower() for part in plain.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    assert "secure" not in attributes
    assert "; secure" in behind.headers["set-cookie"].lower()


def test_a_login_leads_to_no_other_server(url: str, ledger: Ledger) -> None:
    """What an address says of the way on is taken only where it is a path of this server."""
    elsewhere = (
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "\t//evil.example",
        "/evil\r\nX: x",
    )
    with served(url, access=GUARDED) as server:
        for target in elsewhere:
            shown = server.ask(f"/interplay/login?next={quote(target)}")
            assert "evil" not in shown.text
            form = f"token={SECRET}&next={quote(target)}".encode()
            told = server.ask("/interplay/login", "POST", body=form)
            assert (told.status, told.headers["location"]) == (303, "/interplay/")
        assert server.ask("/interplay/login", "POST", body=b"token=wrong").status == 403


def test_a_proxy_that_has_asked_names_who_it_is(url: str, ledger: Ledger) -> None:
    """Its header lets in; without it, with an empty one or with two nothing is shown."""
    with served(url, access=Access(proxy_header="X-Remote-User")) as server:
        assert server.ask("/api/studies", X_Remote_User="ada").status == 200
        assert server.ask("/api/studies").status == 401
        assert server.ask("/api/studies", X_Remote_User=" ").status == 401
        twice = b"X-Remote-User: eve\r\nX-Remote-User: ada\r\nConnection: close\r\n"
        asked = b"GET /api/studies HTTP/1.1\r\nHost: localhost\r\n" + twice + b"\r\n"
        assert server.raw(asked).startswith(b"HTTP/1.1 401 ")


def test_links_lead_through_the_proxy_that_serves_a_path(url: str, ledger: Ledger) -> None:
    """The prefix that a proxy names stands before the way to the login; one that is no path does not."""
    with served(url, access=GUARDED) as server:
        named = server.ask("/interplay/", Accept="text/html", X_Forwarded_Prefix="/tuner")
        assert path_of(named.headers["location"]) == "/tuner/interplay/login?next=/tuner/interplay/"
        for odd in ("//evil.example", "https://evil.example", "/a//b", "/a b", "/../x\\"):
            told = server.ask("/interplay/", Accept="text/html", X_Forwarded_Prefix=odd)
            assert told.headers["location"] == "/interplay/login?next=/interplay/"


def test_every_answer_tells_the_browser_to_be_careful(url: str, ledger: Ledger) -> None:
    """No type is guessed, no other site frames a page or reads an answer, and ours run no inline script."""
    with served(url) as server:
        for path in ("/dashboard", "/api/studies", "/interplay/nowhere", "/static/bundle.js", "/healthz"):
            headers = server.ask(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["x-frame-options"] in {"DENY", "SAMEORIGIN"}
            assert "access-control-allow-origin" not in headers
            policy = headers.get("content-security-policy", "")
            assert ("frame-ancestors" in policy) is not path.endswith(".js")
            assert ("script-src 'self';" in policy) is path.startswith("/interplay")
