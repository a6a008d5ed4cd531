"""Training in processes of its own: what a training does to itself costs no worker."""

import ast
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from tests.tuner import small_modules
from tests.tuner.training.by_processes import FunctionLine, train
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import End, Ending, Fault, Fit, Raised, TimedOut, Vanished
from tuner.workers.processes.fork_server import modules_of
from tuner.workers.processes.memory import count_kills


def task(module: type, **changes: Any) -> Assignment:
    """Make a task of two epochs."""
    configuration = {
        "trainer": {"max_epochs": 2, "accelerator": "cpu", **changes.pop("trainer", {})},
        "model": {"class_path": f"{module.__module__}.{module.__qualname__}"},
    }
    return replace(Assignment(configuration, seed=1, objective=Objective("val_loss")), **changes)


def run(module: type, folder: Path, limit: float | None = None, **line: Any) -> End:
    """Train a module and give how it ended."""
    return train(task(module, log=folder / "trial.log", limit=limit), FunctionLine(**line))


def test_a_training_tells_its_scores_in_order_and_its_end(tmp_path: Path) -> None:
    """What comes over the pipe is what a fit in this process would have said; an empty log is no file."""
    heard: list[tuple[int, float]] = []
    end = run(
        small_modules.Small, tmp_path, heard=lambda step, score: heard.append((step, score)) is not None
    )
    assert isinstance(end, Fit)
    assert heard == list(enumerate(end.scores, start=1))
    assert len(heard) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("decided_at", "validations"), [(None, 1), ((2, 6), 2)])
def test_a_training_waits_where_it_may_be_stopped(
    tmp_path: Path, decided_at: tuple[int, ...] | None, validations: int
) -> None:
    """An answer is awaited at the validations that decide, and obeyed at once."""
    end = run(small_modules.Small, tmp_path, heard=lambda step, _: step == validations, decided_at=decided_at)
    assert isinstance(end, Fit)
    assert (end.ending, len(end.scores)) == (Ending.STOPPED, validations)


def test_a_training_that_is_not_decided_upon_does_not_wait(tmp_path: Path) -> None:
    """Scores are written while the training goes on: it is over before its first one has been heard."""
    over: list[bool] = []

    def scored(step: int, score: float) -> bool:
        children = multiprocessing.active_children()
        over.append(not children or bool(wait([children[0].sentinel], timeout=60)))
        return False

    end = run(small_modules.Small, tmp_path, heard=scored, decided_at=())
    assert isinstance(end, Fit)
    assert over == [True, True]


def test_a_killed_training_is_noticed(tmp_path: Path) -> None:
    """Kill -9 leaves a worker that knows of it; nobody says that the memory was full."""
    kills = count_kills()
    end = run(small_modules.Killed, tmp_path)
    assert count_kills() == kills, "the case needs a machine that kills nothing meanwhile"
    assert end == Vanished("its process was ended by SIGKILL", killed=True, out_of_memory=False)


def test_a_crash_is_no_kill(tmp_path: Path) -> None:
    """A signal that a process brings upon itself will come again, so it is told apart."""
    end = run(small_modules.Crashing, tmp_path)
    assert end == Vanished("its process was ended by SIGABRT", killed=False, out_of_memory=False)


def test_a_hanging_training_is_ended(tmp_path: Path) -> None:
    """What takes too long is killed, whatever it is waiting for."""
    end = run(small_modules.Hanging, tmp_path, limit=1.0)
    assert isinstance(end, TimedOut)
    assert "1 s that study.trial_timeout allows" in end.cause


def test_an_error_comes_with_its_traceback(tmp_path: Path) -> None:
    """The line of the user's code is named, and whose fault it is."""
    end = run(small_modules.Raising, tmp_path)
    assert isinstance(end, Raised)
    assert (end.cause, end.fault) == ("ZeroDivisionError: the mistake", Fault.CODE)
    assert "in training_step" in end.traceback


def test_too_much_memory_is_told_from_a_mistake(tmp_path: Path) -> None:
    """An allocation that fails is known as one."""
    end = run(small_modules.OutOfMemory, tmp_path)
    assert isinstance(end, Raised)
    assert end.fault is Fault.MEMORY


def test_what_a_training_prints_goes_to_its_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of it reaches the terminal, not even what a program of it prints."""
    run(small_modules.Talking, tmp_path)
    lines = (tmp_path / "trial.log").read_text().splitlines()
    assert {"by itself", "as an error", "by a program"} <= set(lines)
    assert capfd.readouterr() == ("", "")


def test_a_training_may_have_processes_of_its_own(tmp_path: Path) -> None:
    """Data loaders with workers train."""
    end = run(small_modules.Loading, tmp_path)
    assert isinstance(end, Fit)
    assert end.ending is Ending.COMPLETED


def test_data_loaders_start_as_under_plain_lightning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that cannot be pickled are loaded by processes that begin as the platform has it by default."""
    monkeypatch.chdir(tmp_path)
    end = run(small_modules.LoadingByDefault, tmp_path)
    assert isinstance(end, Fit), end
    assert end.ending is Ending.COMPLETED
    assert (tmp_path / "loaders").read_text() == multiprocessing.get_context().get_start_method()


def test_a_training_computes_with_the_threads_that_it_is_given(tmp_path: Path) -> None:
    """The number of threads holds in the process that trains."""
    threads = 3
    end = train(task(small_modules.Inspecting, threads=threads))
    assert isinstance(end, Fit)
    assert end.score == threads


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_helpers_are_deaf_from_their_first_moment_on(tmp_path: Path, number: signal.Signals) -> None:
    """A signal to a whole group ends neither the fork server nor Python's tracker; nobody prints a word."""
    script = """
        import os
        import signal
        from multiprocessing import resource_tracker
        from tuner.workers.processes.fork_server import warm_up
        from tuner.workers.processes.interruption import Interruption

        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored
        with Interruption() as interruption:
            warm_up()
            print("begun", flush=True)
            interruption.stop.wait(60)
            resource_tracker.ensure_running()  # which warns where the tracker has ended
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.killpg(process.pid, number)
        assert process.communicate() == ("", "")
    assert process.returncode == 0


def test_a_training_is_deaf_to_what_its_group_is_sent(tmp_path: Path) -> None:
    """A signal to the training is left to the worker: it trains on."""

    def scored(step: int, score: float) -> bool:
        (child,) = multiprocessing.active_children()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child.pid or 0, number)
        return False

    end = run(small_modules.Small, tmp_path, heard=scored)
    assert isinstance(end, Fit)
    assert (end.ending, len(end.scores)) == (Ending.COMPLETED, 2)


def test_a_training_that_ignores_its_worker_is_killed_in_time(tmp_path: Path) -> None:
    """A worker that has to leave is not held up by a step that never ends."""
    stop = threading.Event()
    log = tmp_path / "trial.log"

    def stop_when_it_hangs() -> None:
        while not log.exists() or "hangs" not in log.read_text():
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=stop_when_it_hangs, daemon=True).start()
    end = run(small_modules.Hanging, tmp_path, stop=stop, grace=1.0)
    assert end == Fit(Ending.INTERRUPTED, (), None)
    assert multiprocessing.active_children() == []


def test_the_modules_of_a_configuration_are_found_at_any_depth() -> None:
    """What the fork server imports is what the configuration names."""
    configuration = {
        "model": {"class_path": "a.b.Model", "init_args": {"part": {"class_path": "c.Part"}}},
        "trainer": {"callbacks": [{"class_path": "d.e.f.Callback"}], "max_epochs": 3},
    }
    assert modules_of(configuration) == {"a.b", "c", "d.e.f"}


@pytest.mark.parametrize(("text", "kills"), [("low 0\noom 4\noom_kill 3\n", 3), ("low 0\n", 0), (None, 0)])
def test_the_kernel_counts_what_it_killed_for_memory(tmp_path: Path, text: str | None, kills: int) -> None:
    """The counter of the control group is read where there is one, and else nothing was killed for memory."""
    (tmp_path / "cgroup").write_text("1:cpu:/\n0::/job\n")
    (tmp_path / "job").mkdir()
    if text is not None:
        (tmp_path / "job" / "memory.events").write_text(text)
    assert count_kills(tmp_path / "cgroup", f"{tmp_path}{{group}}/memory.events") == kills


def test_a_fork_server_imports_what_the_main_script_imported(tmp_path: Path) -> None:
    """Each child runs the main script again, short of its main part: what that imports shall be there."""
    script = tmp_path / "script.py"
    script.write_text(
        "import fractions, json, os\n"
        "from textwrap import dedent\n"
        "from tuner.training.messages import PRELOAD\n"
        "from tuner.workers.processes.fork_server import warm_up\n"
        "text = 'a text'\n"
        "if __name__ == '__main__':\n"
        "    warm_up(['csv'])\n"
        "    print(json.loads(os.environ[PRELOAD])['modules'])\n"
    )
    ended = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"csv", "fractions", "textwrap"} <= set(ast.literal_eval(ended.stdout))


def test_a_log_whose_folder_has_gone_costs_no_training(tmp_path: Path) -> None:
    """A worker that ends removes an empty folder of logs; a training that begins then makes it again."""
    end = train(task(small_modules.Talking, log=tmp_path / "gone" / "trial.log"))
    assert isinstance(end, Fit)
    assert (tmp_path / "gone" / "trial.log").stat().st_size
