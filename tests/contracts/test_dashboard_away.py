"""The contract of a database that goes away under the dashboard: it says so, and is there when it is back."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from studies.database.open import open_database
from studies.ledger.making import create
from tests.contracts.servers import postgresql_server
from tests.studies.lives import answer
from tests.studies.samples import sample_definition
from tests.tuner.web.served import Served, served

PATHS = ("/api/studies", "/api/studies/1", "/readyz", "/api/studies/1/plot/slice", "/csv/1")
PATIENCE = 240.0  # seconds


def statuses(server: Served) -> set[int]:
    """Ask for all that needs the database."""
    return {server.ask(path).status for path in PATHS}


def until(server: Served, expected: int) -> None:
    """Ask until all is answered so; meanwhile nothing else than that, or an honest 503, is answered."""
    deadline = time.monotonic() + PATIENCE
    while (found := statuses(server)) != {expected}:
        assert found <= {200, 503}
        assert time.monotonic() < deadline, found


def check(url: str, go: Callable[[], None], come: Callable[[], None]) -> None:
    """Serve a study while its database goes and comes."""
    database = open_database(url)
    answer(create(database, sample_definition(trials=3), ""), [0.5, 0.25])
    database.engine.dispose()
    with served(url) as server:
        assert statuses(server) == {200}
        go()
        until(server, 503)
        told = server.ask("/api/studies/1")
        assert told.data["reason"].startswith("The database does not answer")
        assert "retry-after" in told.headers
        assert "Traceback" not in server.ask("/dashboard", Accept="text/html").text
        assert server.ask("/healthz").status == 200
        come()
        until(server, 200)
        assert len(server.ask("/api/studies/1").data["trials"]) == 2


def test_a_file_that_is_moved_and_comes_back(tmp_path: Path) -> None:
    """With SQLite no other file is made in its place meanwhile."""
    file, elsewhere = tmp_path / "tuner.db", tmp_path / "elsewhere.db"
    check(
        f"sqlite:///{file}", lambda: file.rename(elsewhere) and None, lambda: elsewhere.rename(file) and None
    )
    assert not elsewhere.exists()


def test_a_server_that_is_stopped_and_started() -> None:
    """With PostgreSQL connections that the server has closed are made anew."""
    with postgresql_server() as server:
        check(server.url, lambda: os.kill(server.process(), signal.SIGINT), server.restart)
