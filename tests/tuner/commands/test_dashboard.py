"""`tuner dashboard`: what keeps it from beginning is said in a sentence, and Ctrl-C ends it quietly."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError

from studies.database.open import open_database
from studies.database.schema import VERSION, version_of
from studies.ledger.making import create
from tests.studies.samples import sample_definition
from tests.tuner.command_line import CommandLine


@pytest.fixture
def study(tuner: CommandLine) -> None:
    """Put a study into the database of this folder."""
    database = open_database("sqlite:///tuner.db")
    create(database, sample_definition(), "")
    database.engine.dispose()


def test_a_port_that_is_taken(tuner: CommandLine, study: None) -> None:
    """The sentence names the port and the option."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = tuner(f"dashboard --port {port}")
    assert answer.code == 2
    assert answer.sentence.startswith(f"--port: another program listens on port {port} of 127.0.0.1;")


def test_a_database_that_is_not_there_or_holds_no_study(tuner: CommandLine) -> None:
    """Nothing is served where there is nothing to show, and no file is made."""
    answer = tuner("dashboard")
    assert answer.code == 2
    assert answer.sentence.startswith("There is no database tuner.db yet;")
    assert not (tuner.folder / "tuner.db").exists()
    open_database("sqlite:///tuner.db").engine.dispose()
    answer = tuner("dashboard")
    assert answer.code == 2
    assert answer.sentence.startswith("The database holds no study yet")


@pytest.mark.parametrize("may_change", [True, False])
def test_tables_of_an_older_version(
    tuner: CommandLine, study: None, monkeypatch: pytest.MonkeyPatch, *, may_change: bool
) -> None:
    """They are brought up to date where they may be changed, as by other commands; else it says how."""
    with closing(sqlite3.connect("tuner.db")) as connection:
        connection.executescript(
            "drop table tuner_budgets; drop table tuner_workers;"
            "delete from tuner_schema; insert into tuner_schema values (2);"
        )
    served = []
    monkeypatch.setattr("tuner.web.serving.serve", lambda site, *_, **__: served.append(site))
    if not may_change:
        refused = OperationalError("", {}, sqlite3.OperationalError("attempt to write a readonly database"))
        monkeypatch.setattr("studies.database.schema._change", Mock(side_effect=refused))
    answer = tuner("dashboard")
    if may_change:
        assert (answer.code, version_of(served[0].database.engine)) == (0, VERSION)
    else:
        assert (answer.code, served) == (2, [])
        assert "its tables have version 2" in answer.sentence
        assert "type `tuner list` once as a role that may" in answer.sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--storage postgres//nobody@nowhere/x", "--storage must be a database URL"),
        ("--host 0.0.0.0", "--host 0.0.0.0 is reached by others, so it needs --token-file FILE"),
        ("--token-file nowhere", "--token-file: nowhere cannot be read"),
        ("--host no.such.host.invalid --token-file token", "--host: no.such.host.invalid is no address"),
        ("--proxy-header 'a b'", "--proxy-header must be the name of a header"),
        ("--allowed-host http://x", "--allowed-host must be a name"),
    ],
)
def test_a_wrong_request(tuner: CommandLine, study: None, options: str, sentence: str) -> None:
    """Each is one sentence that says what to write instead."""
    tuner.write("token", "correct-horse-battery\n")
    answer = tuner(f"dashboard --port 0 {options}")
    assert answer.code == 2
    assert answer.sentence.startswith(sentence)


def test_a_server_that_is_not_installed(
    tuner: CommandLine, study: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says what to install."""
    monkeypatch.delitem(sys.modules, "tuner.web.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)  # as Python marks what cannot be imported
    answer = tuner("dashboard")
    assert answer.code == 2
    assert answer.sentence == "`tuner dashboard` needs uvicorn; pip install 'interplay-tuner[dashboard]'."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_quietly(
    tuner: CommandLine, study: None, tmp_path: Path, number: signal.Signals
) -> None:
    """One line with the address, which answers; after a signal it prints nothing, and its code is 0."""
    code = "from tuner.commands.start import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "dashboard", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Dashboard: http://127.0.0.1:")
        address = line.split()[1]
        with urllib.request.urlopen(address.replace("/interplay/", "/readyz")) as ready:  # noqa: S310 - ours
            assert ready.read() == b"ok\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=240)
    assert (process.returncode, out, err) == (0, "", "")
