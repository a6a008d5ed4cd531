"""The dashboard as one application: what becomes of an error that nobody has foreseen."""

import asyncio

import pytest
from starlette.requests import Request

from studies.ledger.ledger import Ledger
from tuner.web.app import application
from tuner.web.site import Site


def test_an_error_of_ours_is_in_the_log_and_not_on_the_page(
    url: str, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever runs the server finds the traceback; whoever asks for the page is told nothing of it."""
    app = application(Site(url, ledger.database))
    scope = {"type": "http", "method": "GET", "path": "/interplay/x", "query_string": b"", "headers": []}
    request = Request({**scope, "scheme": "http", "server": ("localhost", 80)})
    told = asyncio.run(app.exception_handlers[Exception](request, ValueError("a secret")))
    assert told.status_code == 500
    assert b"the log of the server says why" in told.body
    assert b"a secret" not in told.body
    assert "ValueError: a secret" in caplog.text
    assert "'/interplay/x'" in caplog.text
