"""`tuner workers`: a row a worker, and a line for each change where there is no terminal."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studies.database.open import open_database
from studies.ledger.fleet.workers import LAUNCH, LEASE, worker_name
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.studies.samples import sample_definition
from tests.tuner.command_line import CommandLine
from tests.tuner.web.served import served


@pytest.fixture
def ledger(tuner: CommandLine) -> Ledger:
    """Give a study of four slots in the default database."""
    return create(open_database("sqlite:///tuner.db"), sample_definition(name="mine"), "")


def test_a_row_says_what_a_worker_does(tuner: CommandLine, ledger: Ledger) -> None:
    """Who trains which trial of which study, and who is gone with what becomes of its slot; alike as JSON."""
    assert tuner("workers").out == "No worker is known to this database; `tuner worker` starts one.\n"
    alive, gone = worker_name(1), worker_name(2)
    running = ask(ledger, alive)
    assert running is not None
    assert ledger.slots.renew(running.slot, (6.0, 3.0)).is_held
    assert ledger.slots.claim(gone) is not None
    ledger.slots.workers.renew(gone, LEASE - 300.0)
    heads, first, second, counts = tuner("workers mine").out.splitlines()
    assert heads.split()[:3] == ["host", "process", "state"]
    assert "at work" in first
    assert "trial 0, slot 0 of mine" in first
    assert " 2 " in first
    assert "gone for 5 minutes, its slot is free" in second
    assert counts == "1 at work, 1 gone"
    found = json.loads(tuner("workers --json").out)
    assert [(row["worker"], row["state"], row["epochs_per_second"]) for row in found] == [
        (alive, "at work", 2.0),
        (gone, "gone", None),
    ]
    assert [(held["study"], held["slot"], held["trial"]) for held in found[0]["holds"]] == [("mine", 0, 0)]


def test_what_a_terminal_would_obey_is_shown(
    tuner: CommandLine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a database says of hosts and engines stays one line of plain text, on the page too."""
    name = worker_name(1)
    assert ledger.slots.claim(name) is not None
    evil = "node\x1b]0;owned\x07\n<script>alert(1)</script>\u202e"
    with ledger.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tuner_workers SET host = ?, launch = ?", (evil, f"ray:{evil}"))
    listed = tuner("workers").out
    assert len(listed.splitlines()) == 3
    assert "\x1b" not in listed
    assert "\\x1b]0;owned\\x07\\n<script>" in listed
    with served("sqlite:///tuner.db") as server:
        page = server.ask("/interplay/workers", Accept="text/html").text
    assert "<script>alert(1)" not in page
    assert "slot 0 of " in page


def test_a_study_that_is_not_there_is_refused(tuner: CommandLine, ledger: Ledger) -> None:
    """A name that is misspelt is answered with the nearest, and what excludes itself with a choice."""
    assert "did you mean mine" in tuner("workers minee").sentence
    assert "leave one of them out" in tuner("workers --watch --json").sentence


def test_watching_prints_a_line_for_each_change(tuner: CommandLine, ledger: Ledger) -> None:
    """Where there is no terminal each change is a line, and Ctrl-C ends it with 130."""
    running = ask(ledger, worker_name(1))
    assert running is not None
    command = [sys.executable, "-c", "from tuner.cli import main; main()", "workers", "mine", "--watch"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop(LAUNCH, None)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as watching:
        assert watching.stdout is not None
        assert "trial 0, slot 0 of mine" in watching.stdout.readline()
        assert tell(ledger, running, Outcome.COMPLETED, 0.5, {})
        assert watching.stdout.readline().rstrip().endswith("waiting")
        ledger.slots.workers.leave(running.slot.worker)
        assert watching.stdout.readline().rstrip().endswith("left")
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=240)
    assert (watching.returncode, err) == (130, "")
    assert out in {"", "No worker is known to this database; `tuner worker` starts one.\n"}


def test_a_thousand_workers_are_listed(tuner: CommandLine, ledger: Ledger) -> None:
    """A large fleet is read by a few statements, whatever its size."""
    with ledger.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) "
            "INSERT INTO tuner_workers (worker, host, process, started, lease) "
            "SELECT 'w' || i, 'node' || i, i, 0, ? FROM n",
            (time.time() + 3600,),
        )
    assert tuner("workers").out.splitlines()[-1] == "0 at work, 3000 waiting"


def test_the_log_of_another_machine_is_found(tuner: CommandLine, ledger: Ledger, tmp_path: Path) -> None:
    """What a trial printed elsewhere is told with host and path, and found where the folder is reached."""
    place = "/nowhere/runs/mine/logs"
    running = ask(ledger, "abc@node7:12", {"logs": place})
    assert running is not None
    assert tell(ledger, running, Outcome.COMPLETED, 0.5, {})
    said = tuner("trial mine 0").out.splitlines()[-1]
    assert said == (
        f"what it printed lies on node7: {place}/trial-0.log; "
        f"--output FOLDER names where that is reached here"
    )
    found = json.loads(tuner("trial mine 0 --json").out)
    assert (found["log"], found["log_elsewhere"]) == (None, {"host": "node7", "path": f"{place}/trial-0.log"})
    log = tmp_path / "mounted" / "mine" / "logs" / "trial-0.log"
    log.parent.mkdir(parents=True)
    log.write_text("what it printed")
    found = json.loads(tuner("trial mine 0 --json --output mounted").out)
    assert (found["log"], found["log_elsewhere"]) == (str(log), None)
    mine = ask(ledger, worker_name(1), {"logs": place})
    assert mine is not None
    assert json.loads(tuner("trial mine 1 --json").out)["log_elsewhere"] is None  # it has printed nothing


def test_a_place_of_logs_that_is_no_path_is_survived(tuner: CommandLine, ledger: Ledger) -> None:
    """Whoever writes to the database may write anything there."""
    for number, place in enumerate(["a\x00b", "x" * 100_000, "\x1b[2J/\nlogs"]):
        assert ask(ledger, "\x1b@\n@evil:1", {"logs": place}) is not None
        answer = tuner(f"trial mine {number}")
        assert (answer.code, answer.err) == (0, "")
        assert "\x1b" not in answer.out
