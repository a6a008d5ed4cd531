"""`tuner launch`: started once, followed again, ended from anywhere; what cannot be is refused at first."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studies.database.open import open_database
from studies.ledger.fleet.launches import launches
from studies.ledger.opening import open_ledger
from tests.tuner.command_line import CommandLine
from tuner.api import launching
from tuner.workers.engines.detached import Detached
from tuner.workers.gpus import cores

STUDY = """
study: {name: small, metric: val_loss, trials: 4, confirm: 2, confirm_seeds: 1}
trainer: {max_epochs: 1}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
"""
LOCAL = "launch small.yaml --on local --no-rehearsal --no-sharpness"


@pytest.fixture
def small(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """A folder with the file of a study of a module that trains in milliseconds."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))
    tuner.write("small.yaml", STUDY)
    yield tuner
    for process in psutil.process_iter():
        try:
            is_ours = "tuner.workers.engines.keeper" in process.cmdline()
            if is_ours and process.cwd() == str(tuner.folder):
                process.terminate()
                process.wait()
        except psutil.Error:
            continue


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("launch small.yaml", "--on: name the engine on which workers are started"),
        ("launch small.yaml --on ry", "--on ry: there is no such engine; "),
        ("launch small.yaml --on local --with partition=gpu", "local has no such option; it takes none."),
        ("launch small.yaml --on local --with partition", "'partition' is not KEY=VALUE"),
        (
            f"launch small.yaml --on local --cpus-per-worker {cores() + 1}",
            f"this machine has {cores()} cores",
        ),
        ("launch small.yaml --on local --gpus-per-worker 1", "this machine has no GPU"),
        (
            "launch small.yaml --on local --gpus-per-worker 1 --set trainer.devices=2",
            "a trial of 'small' trains on 2 devices; write --gpus-per-worker 2.",
        ),
        ("launch small.yaml --on local --memory-per-worker 2", "holds none of them to a limit"),
        ("launch small.yaml --on local --memory-per-worker 2 --dry-run", "holds none of them to a limit"),
        ("launch small.yaml --on slurm --memory-per-worker inf", "inf is no finite number"),
        ("launch no.yaml --on local", "no.yaml: the study file cannot be read"),
        ("launch small --cancel", "There is no database"),
        ("launch small.yaml --on local --forget", "--forget goes with --cancel"),
    ],
)
def test_what_cannot_be_launched_is_refused_before_anything_is_made(
    small: CommandLine, line: str, said: str
) -> None:
    """One sentence, exit code 2, and no database."""
    answer = small(line)
    assert (answer.code, said in answer.sentence) == (2, True), answer.err
    assert not Path("tuner.db").exists()


def test_a_dry_run_makes_nothing_and_shows_no_password(small: CommandLine) -> None:
    """It prints the command of a worker."""
    answer = small(f"{LOCAL} --dry-run --storage postgresql://me:secret@nowhere/db --workers 3")
    assert (answer.code, answer.err) == (0, "")
    assert "3 times" in answer.out
    assert f"worker small --output {small.folder}/runs --grace 20" in answer.out
    assert "secret" not in answer.out
    assert sorted(path.name for path in Path().iterdir()) == ["small.yaml"]


def test_a_launch_is_followed_to_its_results_and_leaves_nothing(small: CommandLine) -> None:
    """Workers there too train the best again; what to type next launches again."""
    answer = small(f"{LOCAL} --workers 2")
    assert (answer.code, answer.err) == (0, "")
    assert "Started 2 workers of small on local" in answer.out
    assert "Started 2 workers of small-confirmed on local" in answer.out
    assert "4 of 4 slots are spent" in answer.out
    assert "tuner launch small.yaml --trials 8 --on local --workers 2" in re.sub(
        r"\s+\\?\s*", " ", answer.out
    )
    ledger = open_ledger(open_database("sqlite:///tuner.db"), "small")
    assert not launches(ledger)
    assert "All 4 slots of small were spent before" in small(LOCAL).out
    nothing = small("launch small --cancel")
    assert (nothing.code, "Nothing that was launched at 'small'" in nothing.sentence) == (2, True)


def test_workers_that_are_there_are_followed_and_not_started_twice(small: CommandLine) -> None:
    """Unless more are asked for; all of them are ended together."""
    small.write("small.yaml", STUDY.replace("Small", "Hanging"))
    answer = small(f"{LOCAL} --detach")
    assert (answer.code, answer.err) == (0, "")
    assert "End them: tuner launch small --cancel" in answer.out
    again = small(f"{LOCAL} --detach")
    assert "1 worker of small has been started on local already" in again.out
    more = small(f"{LOCAL} --detach --more --workers 2")
    assert "Started 2 workers" in more.out
    ledger = open_ledger(open_database("sqlite:///tuner.db"), "small")
    assert [state.state for state in launching.launched(ledger).states()] == ["running"] * 3
    ended = small("launch small --cancel")
    assert (ended.code, ended.out) == (0, "small: 3 workers ended; 0 of 4 slots are spent.\n")
    assert not launches(ledger)


def test_an_interruption_ends_the_view_and_not_the_workers(
    small: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows them again, and what ends them, is said."""
    small.write("small.yaml", STUDY.replace("Small", "Hanging"))
    asked = Detached.states

    def interrupted(engine: Detached, job: str) -> object:
        os.kill(os.getpid(), 2)
        return asked(engine, job)

    monkeypatch.setattr(Detached, "states", interrupted)
    answer = small(LOCAL)
    assert answer.code == 130
    assert "Interrupted: the workers go on; 0 of 4 slots are spent." in answer.out
    assert "Follow them: tuner launch small.yaml --on local" in answer.out
    monkeypatch.setattr(Detached, "states", asked)
    assert small("launch small --cancel").code == 0


def test_the_command_line_does_not_import_what_only_engines_need() -> None:
    """`tuner --help` answers at once."""
    code = "import sys, tuner.cli; print({'psutil', 'ray', 'submitit', 'kubernetes'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"
