"""What `tuner doctor` says of databases with real faults, and that it changes nothing in them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from studies.database import schema
from studies.database.open import open_database
from studies.ledger.making import create
from tests.contracts.servers import postgresql
from tests.studies.samples import sample_definition
from tuner.workers.doctor.check import NOTE, OK, WRONG, Asked, Finding, examine
from tuner.workers.doctor.database import CHECKS

SECRET = "s3cret"  # noqa: S105 - of nobody


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give the URL of a PostgreSQL that holds a study, and a role `looks` that only reads."""
    with postgresql() as url:
        database = open_database(url)
        create(database, sample_definition(), "")
        outside = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with outside.connect() as connection:
            connection.exec_driver_sql("CREATE ROLE looks LOGIN")
            connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looks")
            connection.exec_driver_sql("CREATE DATABASE empty")
        database.engine.dispose()
        yield url


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Give the URL of a SQLite file that holds a study."""
    database = open_database(f"sqlite:///{tmp_path}/tuner.db")
    create(database, sample_definition(), "")
    database.engine.dispose()
    return f"sqlite:///{tmp_path}/tuner.db"


def told(url: str, study: str | None = None, seconds: float = 60.0) -> dict[str, Finding]:
    """Look at a database."""
    return {each.check: each.finding for each in examine(CHECKS, Asked(url, Path(), study=study), seconds)}


def rows(url: str) -> int:
    """Count the workers of a database."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(schema.workers))
    engine.dispose()
    return int(count or 0)


def test_a_file_that_is_fine(file: str) -> None:
    """Each check says what is there, and the row that was tried is not."""
    found = told(file)
    assert {name: finding.mark for name, finding in found.items()} == dict.fromkeys(
        ("database", "SQLite", "tables", "role", "clock"), OK
    )
    assert found["SQLite"].found == "the file lies on a local disk, its journal mode is wal"
    assert found["tables"].found == f"our tables have version {schema.VERSION}"
    assert rows(file) == 0


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """That there is no database yet is wrong for a study of it alone, and there is none afterwards."""
    found = told(f"sqlite:///{tmp_path}/none.db")
    assert [(name, finding.mark) for name, finding in found.items()] == [("database", NOTE)]
    found = told(f"sqlite:///{tmp_path}/none.db", "mine")
    assert [(name, finding.mark) for name, finding in found.items()] == [("database", WRONG)]
    assert found["database"].found.endswith("none.db yet, and so no study 'mine'")
    assert list(tmp_path.iterdir()) == []


def test_a_role_that_only_reads_is_found(server: str) -> None:
    """It can look at studies; where it shall work on one, that is wrong."""
    looks = make_url(server).set(username="looks").render_as_string(hide_password=False)
    found = told(looks)["role"]
    assert found.mark == NOTE
    assert found.found.startswith("this role only reads (permission denied for table tuner_workers)")
    assert found.todo.startswith("GRANT SELECT, INSERT")
    assert told(looks, "mine")["role"].mark == WRONG
    assert told(server)["role"] == Finding(OK, "this role may write")
    assert rows(server) == 0


def test_an_empty_database_stays_empty(server: str) -> None:
    """No table is made by looking, neither ours nor Optuna's."""
    empty = make_url(server).set(database="empty")
    found = told(empty.render_as_string(hide_password=False))
    assert found["tables"].found.startswith("none of our tables is there yet")
    assert "role" not in found
    engine = sa.create_engine(empty)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_server_that_refuses_is_found_without_its_password(server: str) -> None:
    """The reason of the server is given, what hangs on it is left out, and no secret is shown."""
    url = make_url(server).set(database="nowhere", password=SECRET)
    found = told(url.render_as_string(hide_password=False))
    assert list(found) == ["database"]
    assert found["database"].mark == WRONG
    assert 'database "nowhere" does not exist' in found["database"].found
    assert SECRET not in str(found)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_that_does_not_answer_is_not_waited_for(kind: str) -> None:
    """A port that takes connections and says nothing is told of in time, and holds no process."""
    code = (
        "import sys; from pathlib import Path\n"
        "from tuner.workers.doctor.check import Asked, examine\n"
        "from tuner.workers.doctor.database import CHECKS\n"
        "print(*(each.to_data() for each in examine(CHECKS, Asked(sys.argv[1], Path()), 0.5)))"
    )
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"{kind}://tuner@127.0.0.1:{listening.getsockname()[1]}/tuner"
        ended = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert ended.stdout.count("'check'") == 1
    assert "it gives no answer within 0.5 s" in ended.stdout


def test_clocks_that_are_apart_are_found(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour between this machine and the database is told, and who is behind."""
    clock = time.time
    monkeypatch.setattr("tuner.workers.doctor.database.time.time", lambda: clock() - 3600.0)
    found = told(file)["clock"]
    assert found.mark == WRONG
    assert found.found.startswith("this machine's clock is 60 minutes behind the database's")


@pytest.mark.parametrize(("version", "mark"), [(3, NOTE), (schema.VERSION + 1, WRONG)])
def test_tables_of_another_version_are_found(file: str, version: int, mark: str) -> None:
    """Older tables are brought up to date by a worker, and not by looking; newer ones need an upgrade."""
    engine = sa.create_engine(file)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tuner_schema SET version = ?", (version,))
    found = told(file)["tables"]
    assert found.mark == mark
    assert schema.version_of(engine) == version
    engine.dispose()


def test_a_url_that_is_none_is_refused_in_a_sentence() -> None:
    """What is misspelt is wrong, with what to write instead."""
    found = told("postgres//user@host")
    assert list(found) == ["database"]
    assert found["database"].mark == WRONG
