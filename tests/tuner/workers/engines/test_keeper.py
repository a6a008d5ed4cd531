"""A worker that dies is begun anew, one that has no more to do is not, and a signal reaches it once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tuner.workers.engines import keeper
from tuner.workers.engines.keeper import Keeper
from tuner.workers.processes.interruption import INTERRUPTED, SIGNALS

COUNTS = "import os, sys; open('runs', 'a').write('x'); n = len(open('runs').read()); "
# Keeps a worker that leaves in order when it is asked, and says so.
WAITS = """
import sys
from pathlib import Path
from tuner.workers.engines.keeper import Keeper
worker = '''
import os, signal, sys, time
def leave(*_):
    print("asked", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), flush=True)
time.sleep(600)
'''
sys.exit(Keeper([sys.executable, "-c", worker], Path("log")).keep())
"""


@pytest.fixture(autouse=True)
def _signals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give this process its signals back, and let nothing wait."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "FIRST_PAUSE", 0.01)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def keep(worker: str) -> tuple[int, int, str]:
    """Keep a worker that is a line of Python; gives the exit code, how often it ran, and the log."""
    code = Keeper([sys.executable, "-c", COUNTS + worker], Path("log")).keep()
    return code, len(Path("runs").read_text()), Path("log").read_text()


@pytest.mark.parametrize("code", [0, 2, 130])
def test_a_worker_that_has_no_more_to_do_is_not_begun_anew(code: int) -> None:
    """Its study is over, its request is wrong, or somebody asked it to leave."""
    assert keep(f"sys.exit({code})") == (code, 1, "")


def test_a_worker_that_was_killed_is_begun_anew() -> None:
    """Until it ends in order."""
    code, runs, log = keep("os.kill(os.getpid(), 9) if n < 3 else sys.exit(0)")
    assert (code, runs) == (0, 3)
    assert log.count("by signal 9; it is begun anew") == 2


def test_a_worker_that_dies_again_and_again_is_given_up() -> None:
    """A machine on which nothing works does not begin workers for ever."""
    code, runs, log = keep("sys.exit(1)")
    assert (code, runs) == (1, 5)
    assert (
        log.splitlines()[-1] == "The worker ended with exit code 1, 5 times in a row; it is not begun anew."
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """Give a keeper in a process of its own, and its worker."""
    process = subprocess.Popen([sys.executable, "-c", WAITS], cwd=tmp_path)
    log = tmp_path / "log"
    while not (log.exists() and log.read_text().endswith("\n")):
        assert process.poll() is None
    worker = psutil.Process(int(log.read_text()))
    yield process, worker
    for each in (process, worker):
        if each.poll() is None if isinstance(each, subprocess.Popen) else each.is_running():
            each.kill()
    process.wait()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_reaches_the_worker_once(
    kept: tuple[subprocess.Popen[bytes], psutil.Process], number: signal.Signals, tmp_path: Path
) -> None:
    """Whatever ends the keeper lets the worker leave in order, and it is not begun anew."""
    process, worker = kept
    process.send_signal(number)
    assert process.wait() == INTERRUPTED
    assert not worker.is_running()
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["asked"]


def test_the_worker_of_a_keeper_that_was_killed_leaves_in_order(
    kept: tuple[subprocess.Popen[bytes], psutil.Process], tmp_path: Path
) -> None:
    """It is sent SIGTERM, so that its slot is free at once."""
    process, worker = kept
    process.kill()
    process.wait()
    worker.wait()
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["asked"]


def test_a_keeper_that_detaches_is_no_child_of_whoever_began_it(tmp_path: Path) -> None:
    """It is in a session of its own when the command that began it has ended."""
    command = [sys.executable, "-m", "tuner.workers.engines.keeper", "--detach", "--log", str(tmp_path)]
    given = {**os.environ, "TUNER_STORAGE": f"sqlite:///{tmp_path}/none.db"}
    subprocess.run([*command, "worker", "nothing"], check=True, env=given, cwd=tmp_path)
    log = tmp_path / "worker-0.log"
    while not (log.exists() and log.read_text().endswith("\n")):
        pass
    assert log.read_text().startswith("Error: There is no database")


def test_a_keeper_begins_no_worker_when_the_process_that_it_is_tied_to_has_gone(tmp_path: Path) -> None:
    """It may have died while this one began; init has taken its place as the parent."""
    command = [sys.executable, "-m", "tuner.workers.engines.keeper", "--tie", "1", "--log", str(tmp_path)]
    assert subprocess.run([*command, "worker", "nothing"], check=False).returncode == INTERRUPTED
    assert not list(tmp_path.glob("*.log"))
