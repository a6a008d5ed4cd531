"""Requests that schemathesis makes up from the table of routes, the same ones each time."""

from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from studies.ledger.ledger import Ledger
from tests.tuner.web.openapi import asked, description
from tests.tuner.web.served import served
from tests.tuner.web.test_hostile import dump
from tuner.web.site import Site

SAMPLE = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# Warnings are errors here and nowhere else: this one of Optuna's evaluator would become its dashboard's 502.
@pytest.mark.filterwarnings("ignore:Some regimes for parameter")
def test_no_request_that_the_routes_take_is_an_error_of_the_server(
    url: str, ledger: Ledger, tmp_path: Path
) -> None:
    """Whatever stands in a path, a query or a body: no status from 500 on, and the database is as it was."""
    before = dump(tmp_path / "tuner.db")
    site = Site(url, ledger.database)
    known, free = (
        schemathesis.openapi.from_dict(description(site, ledger.name, there=there)) for there in (True, False)
    )
    with served(url) as server, requests.Session() as session:

        def ask(case: schemathesis.Case) -> None:
            status, body = asked(session, server.address, case)
            assert status < 500, case.as_curl_command()
            assert "Traceback" not in body

        for some in (known.include(method="GET"), free.include(method="GET"), free.exclude(method="GET")):
            SAMPLE(given(some.as_strategy())(ask))()
    assert dump(tmp_path / "tuner.db") == before
