"""Any process finds and ends workers on an engine, and takes nothing that the database says on trust."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studies.ledger.fleet.launches import PREFIX, launches
from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.small_modules import Dawdling, Hanging, Raising, Small
from tests.tuner.workers.test_worker import make_ledger
from tests.tuner.workers.watching import Watching
from tuner.api.launching import launched
from tuner.errors import Refused, StudyStopped
from tuner.workers.engines.engine import EngineAway
from tuner.workers.engines.registry import engine_named
from tuner.workers.events import ShownTrial, unseen
from tuner.workers.launchers import placed
from tuner.workers.launchers.launcher import Job
from tuner.workers.launchers.ordering import Site
from tuner.workers.launchers.placed import EngineLauncher, Placed

KEPT = {"engine": "local", "workers": 1, "folder": "/tmp", "host": "here", "grace": 1.0}  # noqa: S108 - a text


def keepers() -> list[psutil.Process]:
    """List the keepers of this machine that belong to this test's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if "tuner.workers.engines.keeper" in process.cmdline() and process.cwd() == str(Path.cwd()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder of the test's own, with the tests' modules in reach, and end what it leaves."""
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    yield
    for process in keepers():
        for each in (*process.children(recursive=True), process):
            each.kill()


def start(ledger: Ledger, workers: int = 1) -> Placed:
    """Start workers of a study on this machine."""
    job = Job(f"sqlite:///{Path.cwd()}/tuner.db", ledger.name, Path.cwd() / "runs" / ledger.name, grace=1.0)
    launcher = EngineLauncher(Site("local"), engine_named("local", {}), ledger)
    return launcher.launch(job, workers, threading.Event())


class Kills(Watching):
    """Kills the worker of the first trial that begins."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.kills = ledger, True

    def started(self, running: ShownTrial) -> None:
        """Kill it, once."""
        if self.kills:
            self.kills = False
            worker = self.ledger.trial(running.number).user_attrs["worker"]
            os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)
            Path("hurry").touch()


def test_a_worker_that_is_killed_is_begun_anew_without_a_hand(tmp_path: Path) -> None:
    """The budget is spent exactly, and nothing of the launch is left or kept."""
    ledger = make_ledger(tmp_path, Dawdling, 60, exploration=1.0, retry=False)
    ledger.slots.lease = 5.0
    start(ledger).watch(Kills(ledger))
    outcomes = [outcome_of(trial) for trial in ledger.trials()]
    assert outcomes.count(Outcome.COMPLETED) == ledger.slots.budget().done == 6
    assert not launches(ledger)
    assert not keepers()


def test_another_process_ends_what_a_dead_one_has_launched(tmp_path: Path) -> None:
    """Whoever launched may be killed: the workers go on, and are found by the study alone."""
    ledger = make_ledger(tmp_path, Hanging)
    script = f"""
from pathlib import Path
from studies.database.open import open_database
from studies.ledger.opening import open_ledger
from tests.tuner.workers.launchers.test_placed import start
start(open_ledger(open_database("sqlite:///{tmp_path}/tuner.db"), "small"), 2)
import os
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    there = launched(ledger).alive()
    assert [state.state for state in there.states()] == ["running", "running"]
    while ledger.slots.budget().claimed < 2:
        assert len(keepers()) == 2
    there.cancel()
    assert not keepers()
    assert (ledger.slots.budget().claimed, ledger.slots.budget().done) == (0, 0)
    assert not launches(ledger)


def test_workers_that_end_before_the_study_is_over_say_why(tmp_path: Path) -> None:
    """The sentence holds what the worker printed last, and where the rest stands."""
    ledger = make_ledger(tmp_path, Small)
    ledger.study.set_user_attr("tuner:code", {"nowhere": "another"})
    with pytest.raises(StudyStopped, match=r"(?s)have ended before it was over: The study .*worker-0\.log"):
        start(ledger).follow(unseen, threading.Event())
    assert not launches(ledger)


def test_a_study_that_keeps_failing_is_told_with_its_traceback(tmp_path: Path) -> None:
    """As a run on this machine tells it."""
    ledger = make_ledger(tmp_path, Raising)
    with pytest.raises(StudyStopped, match="tuner trial small 2") as stopped:
        start(ledger).follow(unseen, threading.Event())
    assert "training_step" in stopped.value.traceback


@pytest.mark.parametrize(
    "written",
    [
        "no mapping",
        KEPT,
        KEPT | {"job": 3},
        KEPT | {"job": "x" * 1001},
        KEPT | {"job": "a/0123456789ab/1", "workers": -1},
        KEPT | {"job": "a/0123456789ab/1", "grace": "long"},
        KEPT | {"job": "a/0123456789ab/1", "options": {"a": 1}},
    ],
)
def test_a_record_that_is_no_launch_is_passed_over(tmp_path: Path, written: object) -> None:
    """Whoever may write to the database may write anything there."""
    ledger = make_ledger(tmp_path, Small)
    ledger.study.set_user_attr(f"{PREFIX}0123456789ab", written)
    assert not launched(ledger).records
    assert not launches(ledger)


@pytest.mark.parametrize("job", ["1", "../../etc", "1; rm -rf /", ""])
def test_a_record_names_no_process(tmp_path: Path, job: str) -> None:
    """It is refused before anything is ended."""
    ledger = make_ledger(tmp_path, Small)
    ledger.study.set_user_attr(f"{PREFIX}0123456789ab", KEPT | {"job": job})
    with pytest.raises(Refused, match="is none that"):
        launched(ledger).cancel()


def test_workers_of_another_machine_are_not_looked_for_here(tmp_path: Path) -> None:
    """Nor called ended: the sentence names the machine."""
    ledger = make_ledger(tmp_path, Small)
    ledger.study.set_user_attr(f"{PREFIX}0123456789ab", KEPT | {"job": "elsewhere/0123456789ab/1"})
    with pytest.raises(EngineAway, match=r"were started on elsewhere.*tuner launch small --cancel --forget"):
        launched(ledger).alive()
    with pytest.raises(EngineAway):
        launched(ledger).cancel()
    assert launches(ledger)
    launched(ledger).cancel(forgets=True)
    assert not launches(ledger)


def test_an_engine_that_does_not_answer_for_minutes_ends_the_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers may be gone, and nobody would be told."""
    ledger = make_ledger(tmp_path, Small)
    ledger.study.set_user_attr(f"{PREFIX}0123456789ab", KEPT | {"job": "elsewhere/0123456789ab/1"})
    monkeypatch.setattr(placed, "AWAY", -1.0)
    with pytest.raises(EngineAway, match="were started on elsewhere"):
        launched(ledger).follow(unseen, threading.Event())
