"""Requests that no browser of ours sends, made from a seed: methods, addresses, bodies, headers, scripts."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes

SCRIPT = "<script>alert(1)</script>"
_METHODS = [
    *["GET"] * 8,
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "GETS",
    "A B",
]
_SEGMENTS = [
    *["", ".", "..", "%2e%2e", "..%2f", "..%5c", "%00", "%0d%0a", "%ff%fe", "%u0041", "~", "*", "a" * 300],
    *["-1", "0", "1", "2", "99", "1e9", "9" * 40, "0x1", "nan", "{1}", "[1]", "1;2", "{{7*7}}"],
    *[quote(text) for text in (SCRIPT, "' OR 1=1 --", "\u00fcn\u00ef\u00a9ode", "{{7*7}}")],
    *["etc", "passwd", "index.html", "bundle.js", "study", "trials", "plot", "contour", "note"],
    *["param_importances", "05-000000000001-000000000000000000", f"ff-{'f' * 12}-{'f' * 18}"],
]
_ROOTS = [
    *["", "api", "api/studies", "api/studies/1", "api/studies/1/plot", "api/trials/1", "api/artifacts/1"],
    *["artifacts/1", "artifacts/1/1", "csv", "static", "dashboard", "dashboard/studies/1", "api/meta"],
    *[
        "interplay",
        "interplay/studies",
        "interplay/login",
        "interplay/static",
        "metrics",
        "healthz",
        "readyz",
    ],
    *["favicon.ico", "incompatible-rdb-schema", "api/llm"],
]
_QUERIES = [
    *["", "", "", "after=x", "after=-1", f"after={'9' * 50}", "after=1&after=2", "%", "=&=&", "x[]=1"],
    *["trial_ids=x", "trial_ids=1,,2", f"trial_ids={','.join('1' * 500)}", f"a={'b' * 9000}", "token=x"],
    *["next=//evil.example", f"next={quote(SCRIPT)}", quote(SCRIPT)],
]
_BODIES = [b"", b"{}", b"null", b"[" * 5000, b'{"body": "x", "version": 1}', b"\x00" * 100, b"x" * 70_000]
_HEADERS = [
    *[
        "Host: evil.example",
        "Host: localhost:1@evil.example",
        f"Host: {SCRIPT}",
        "X-Forwarded-Host: evil.example",
    ],
    *[
        "X-Forwarded-Prefix: //evil.example",
        f"X-Forwarded-Prefix: /{'a/' * 2000}",
        f"X-Forwarded-Prefix: {SCRIPT}",
    ],
    *[f"X-Forwarded-Proto: {SCRIPT}", "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"],
    *["X-Original-URL: /api/studies/1", "Authorization: Bearer", f"Authorization: Basic {'x' * 3000}"],
    *['Cookie: interplay_0=1.2; a="b', f"Cookie: {'a=b; ' * 500}", "Accept: text/html", "Accept: text/html"],
    *["Accept-Encoding: gzip", f"Accept-Encoding: {'x,' * 500}", "Range: bytes=9999999-", "Range: bytes=a-b"],
    *[
        "If-Modified-Since: never",
        "If-None-Match: *",
        "Content-Type: application/json",
        f"Content-Type: {SCRIPT}",
    ],
    *["Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Transfer-Encoding: chunked"],
    *["Content-Length: -1", "Content-Length: 99999999999", "Expect: 100-continue", "Upgrade: websocket"],
    *["Connection: Upgrade", "X-Remote-User: root", "X-Odd: \xff\xfe", f"User-Agent: {SCRIPT}"],
]


@dataclass(frozen=True)
class Hostile:
    """A request as bytes, and whether it asks for something by a method that changes nothing."""

    request: bytes
    reads: bool


def hostile_requests(count: int, seed: int, secret: str | None = None) -> Iterator[Hostile]:
    """Make requests, each other than the last.

    Args:
        count: how many.
        seed: the same ones for the same seed.
        secret: a token that every other request shows, so that what lies behind it is asked too.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    for number in range(count):
        method = draw.choice(_METHODS)
        path = "/".join(["", draw.choice(_ROOTS), *draw.choices(_SEGMENTS, k=draw.randrange(4))])
        if draw.random() < 0.1:
            path += quote_from_bytes(draw.randbytes(draw.randrange(1, 40)))
        query = draw.choice(_QUERIES)
        body = draw.choice(_BODIES) if method not in {"GET", "HEAD"} or draw.random() < 0.1 else b""
        headers = draw.sample(_HEADERS, k=draw.randrange(4))
        if not any(header.startswith("Host:") for header in headers):
            headers.append("Host: localhost")
        if secret is not None and number % 2:
            headers.append(f"Authorization: Bearer {secret}")
        if not any(header.startswith(("Content-Length", "Transfer-Encoding")) for header in headers):
            headers.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(
            [f"{method} {path}{'?' if query else ''}{query} HTTP/1.1", *headers, "Connection: close"]
        )
        yield Hostile(head.encode("latin-1") + b"\r\n\r\n" + body, method in {"GET", "HEAD"})


def wrong_in(request: Hostile, answer: bytes, secrets: list[str]) -> list[str]:
    """Say what is wrong with an answer.

    Args:
        request: what was asked.
        answer: everything that came back.
        secrets: texts that nobody may be told.
    """
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return ["nothing was answered"]
    status, lower = int(head.split()[1]), head.lower()
    is_login = b"/login" in request.request.split(b"\r\n")[0]
    checks = {
        f"status {status}": status >= 500,  # an error of the server, not of who asks
        "a method that changes something was let through": not (request.reads or is_login) and status < 400,
        "a script came back in a page": b"content-type: text/html" in lower and SCRIPT.encode() in body,
        "a traceback came back": b"Traceback" in answer or b'File "/' in answer,
        "it leads to another server": b"location: http" in lower or b"location: //" in lower,
        "it tells a secret": any(secret.encode() in answer for secret in secrets),
    }
    return [said for said, is_so in checks.items() if is_so]
