"""The databases that benchmarks of the ledger run on: SQLite, PostgreSQL, and MySQL where one is named."""

import os
import sys
import tempfile
from collections.abc import Iterator

from tests.contracts.servers import database_of_its_own, postgresql


def databases() -> Iterator[tuple[str, str]]:
    """Give the name and the URL of each database in turn; it is there until the next one is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        yield "sqlite", f"sqlite:///{folder}/tuner.db"
    with postgresql() as url:
        yield "postgresql", url
    named = os.environ.get("TUNER_TEST_MYSQL")
    if named is None:
        sys.stdout.write("mysql: not measured, since TUNER_TEST_MYSQL names no server\n")
        return
    with database_of_its_own(named) as url:
        yield "mysql", url
