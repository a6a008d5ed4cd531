"""What nobody asked for: a folder that cannot be written, a full disk, a database that is locked or gone."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from tests.end_to_end.processes import TUNER, environment
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_service import STUDY

pytestmark = IN_MEMORY


@pytest.fixture
def small(tuner: CommandLine) -> CommandLine:
    """The command line in a folder with a small study file."""
    tuner.write("small.yaml", STUDY)
    return tuner


@pytest.fixture
def full_disk() -> Iterator[list[int]]:
    """A disk on which a SQLite database cannot grow beyond the number of pages that the list is given."""
    pages: list[int] = []

    def limit(connection: sqlite3.Connection, _: object) -> None:
        if pages:
            connection.execute(f"PRAGMA max_page_count = {pages[-1]}")

    event.listen(Engine, "connect", limit)
    yield pages
    event.remove(Engine, "connect", limit)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux has a folder that not even root can write")
def test_a_folder_without_permission(small: CommandLine) -> None:
    """Where no results can be written, one sentence says so before anything is trained."""
    answer = small("run small.yaml --output /proc")
    assert answer.code == 2
    assert answer.sentence.startswith("--output: /proc/small cannot be written: ")
    assert small("run small.yaml --timeout 0.001").code == 0
    answer = small("report small --output /proc/report.html")
    assert answer.code == 2
    assert answer.sentence.startswith("--output: /proc/report.html cannot be written: ")


def test_results_that_cannot_be_written(small: CommandLine) -> None:
    """A folder for the results that cannot be made is refused before an hour of training, not after it."""
    small.write("file", "in the way")
    answer = small("run small.yaml --output file/results")
    assert answer.code == 2
    assert answer.sentence == (
        f"--output: file/results cannot be written: {small.folder / 'file'} is no folder; "
        "name another folder: --output FOLDER."
    )
    assert small("run small.yaml --output results --quiet").code == 0
    answer = small("best small --export nowhere/best.yaml")
    assert answer.code == 2
    assert answer.sentence == (
        "--export: nowhere/best.yaml cannot be written: No such file or directory; name another file."
    )


def test_a_full_disk(small: CommandLine, full_disk: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails for too long is one sentence and exit code 1; nothing is lost."""
    monkeypatch.setattr("studies.database.retry.PATIENCE", 0.3)
    assert small("run small.yaml --trials 2 --quiet").code == 0
    with closing(sqlite3.connect("tuner.db")) as database:
        full_disk.append(database.execute("PRAGMA page_count").fetchone()[0])
    answer = small("run small.yaml --trials 16 --quiet")
    assert answer.code == 1
    assert "database or disk is full" in answer.sentence
    full_disk.clear()
    with closing(sqlite3.connect("tuner.db")) as database, database:
        database.execute("update tuner_workers set lease = 0")
    assert small("run small.yaml --trials 16 --quiet").code == 0
    assert small("status small").out.startswith("small: 16 of 16 slots are spent\n")


def test_a_locked_database(small: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that another program never lets go of is told, not waited for without end."""
    assert small("run small.yaml --timeout 0.001").code == 0
    monkeypatch.setattr("studies.database.dialects.sqlite.SQLITE_BUSY_TIMEOUT", 0.01)
    monkeypatch.setattr("studies.database.retry.PATIENCE", 0.3)
    with closing(sqlite3.connect("tuner.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = small("run small.yaml")
    assert answer.code in {1, 2}
    assert "database is locked" in answer.sentence
    assert small("status small").code == 0


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """Whoever reads may close the pipe at any time; nothing is complained of."""
    reading, writing = os.pipe()
    os.close(reading)
    for line in ("spaces", "spaces --json", "--help"):
        ended = subprocess.run(
            [*TUNER, *line.split()],
            cwd=tmp_path,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (1, b"")
    os.close(writing)
