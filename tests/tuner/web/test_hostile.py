"""A sample of the requests of `tests/benchmarks/dashboard_hostile.py`, the same each time."""

import sqlite3
from pathlib import Path

from search_spaces.space.nodes import Categorical, Float, Group
from studies.database.open import open_database
from studies.ledger.making import create
from tests.studies.lives import answer
from tests.studies.samples import sample_definition
from tests.tuner.web.hostile import SCRIPT, hostile_requests, wrong_in
from tests.tuner.web.served import served
from tuner.web.access.rules import Access
from tuner.web.access.tokens import Token

COUNT, SEED = 60, 16
SECRET = "correct-horse-battery"  # noqa: S105 - of this test
NAMES = Group({SCRIPT: Float(0.0, 1.0), "model.init_args.name": Categorical((SCRIPT, "plain"))})


def test_no_request_changes_anything_learns_anything_or_breaks_anything(tmp_path: Path) -> None:
    """With scripts for names, with and without the token: no 500, no script, no secret, no change."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    database = open_database(url)
    ledger = create(database, sample_definition(space=NAMES, trials=3), "")
    answer(ledger, [0.5, 0.25])
    database.engine.dispose()
    before = dump(tmp_path / "tuner.db")
    with served(url, access=Access(token=Token(SECRET))) as server:
        for hostile in hostile_requests(COUNT, SEED, SECRET):
            wrong = wrong_in(hostile, server.raw(hostile.request), [SECRET, "root:x"])
            assert (hostile.request, wrong) == (hostile.request, [])
        assert server.ask("/readyz").status == 200
    assert dump(tmp_path / "tuner.db") == before


def dump(file: Path) -> list[str]:
    """Give everything that a SQLite file holds."""
    with sqlite3.connect(file) as connection:
        return list(connection.iterdump())
