"""A worker that an engine starts while the database is away for a moment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from studies.ledger.fleet.workers import LAUNCH
from tests.contracts.relay import relayed
from tests.contracts.servers import database_of_its_own
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger

pytestmark = IN_MEMORY
TUNER = str(Path(sys.executable).parent / "tuner")


@pytest.mark.parametrize(("mark", "code", "done"), [("local:1:0", 0, 2), ("", 2, 0)])
def test_a_worker_of_an_engine_waits_for_a_database_and_another_says_that_it_is_away(
    tmp_path: Path, postgresql_url: str, mark: str, code: int, done: int
) -> None:
    """Two connections are refused: one that was launched works then, one that was typed says so."""
    with database_of_its_own(postgresql_url) as fresh, relayed(fresh, refused=2) as (url, came):
        ledger = make_ledger(tmp_path, Small, url=fresh, trials=2)
        environment = {**os.environ, LAUNCH: mark, "TUNER_STORAGE": url, "PYTHONPATH": str(Path.cwd())}
        ended = subprocess.run(
            [TUNER, "worker", "small", "--quiet"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == code, ended.stderr
        assert ledger.slots.budget().done == done
        assert came[0] > 2 or ended.stderr.startswith("Error: The database ")
        ledger.database.engine.dispose()
