"""A run that is ended from outside is resumed by the same command to exactly its budget."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.end_to_end.processes import running_tuner
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner.workers.processes.interruption import SIGNALS

pytestmark = [IN_MEMORY, pytest.mark.timeout(900)]  # a busy machine takes minutes to import torch

BUDGET = 3
RUN = f"run studies/endless.yaml --set study.trials={BUDGET} --output results --grace 1"
STUDY = """
study: {name: endless, metric: val_loss}
trainer: {max_epochs: 2}
model: {class_path: endless.Endless}
space: {add: {model.init_args.lr: {low: 1e-3, high: 1e-1, log: true}}}
"""
MODULE = """
import os
import signal
from pathlib import Path

import torch
from pytorch_lightning import LightningModule

class Endless(LightningModule):
    # An epoch lasts until a file `go` is there; a step sends the signals that a file `signals` names.

    def __init__(self, lr: float = 0.01):
        super().__init__()
        self.lr = lr
        self.weight = torch.nn.Parameter(torch.ones(1))

    def training_step(self, batch, batch_idx):
        if batch_idx == 50:  # the rehearsal trains a few
            Path("begun").touch()
            process, *names = Path("signals").read_text().split()
            for name in names:
                os.kill(int(process), signal.Signals[name])
        return (self.weight**2).sum()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self.weight**2).sum())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def train_dataloader(self):
        yield torch.zeros(1)
        while not Path("go").exists():
            yield torch.zeros(1)

    def val_dataloader(self):
        return [torch.zeros(1)]
"""


@pytest.fixture
def folder(tuner: CommandLine) -> Iterator[Path]:
    """A folder with a study whose trials go on and on, and with folders that are called as ours are."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # else what runs the tests by nohup has every start ignore it
    for name in ("studies", "tuner"):
        (tuner.folder / name).mkdir()
    tuner.write("endless.py", MODULE)
    tuner.write("studies/endless.yaml", STUDY)
    tuner.write("signals", f"{os.getpid()}")
    yield tuner.folder
    for number, handler in before.items():
        signal.signal(number, handler)


def states(folder: Path) -> list[str]:
    """Give the state of each trial, as Optuna's table has it."""
    with closing(sqlite3.connect(folder / "tuner.db")) as database:
        return [row[0] for row in database.execute("select state from trials order by number")]


def wait_until_training(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a trial of a process trains."""
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def wait_until_gone(folder: Path) -> None:
    """Wait until no process but this one works in a folder, whoever its parent is."""
    while any(works_in(entry, folder) for entry in Path("/proc").glob("[0-9]*")):
        time.sleep(0.05)


def works_in(process: Path, folder: Path) -> bool:
    """Say whether a process, by its folder in /proc, works in a folder."""
    with suppress(OSError):
        return (process / "cwd").readlink() == folder and process.name != str(os.getpid())
    return False


def is_complete(tuner: CommandLine) -> bool:
    """Say whether exactly the budget has been spent, and nothing runs."""
    trials = json.loads(tuner("status endless --json").out)["trials"]
    spent = trials["complete"] + trials["pruned"] + trials["diverged"]
    return (spent, trials["waiting"], trials["running"]) == (BUDGET, 0, 0)


def is_resumed(tuner: CommandLine) -> bool:
    """Give the same command again, with trials that now end, and say whether that spent the budget."""
    tuner.write("go", "")
    tuner.write("signals", f"{os.getpid()}")
    return tuner(RUN).code == 0 and is_complete(tuner)


def test_ctrl_c_ends_a_run_cleanly(tuner: CommandLine, folder: Path) -> None:
    """The installed command exits with 130, leaves no running trial, and prints what resumes the study."""
    with running_tuner(RUN, folder) as process:
        wait_until_training(process, folder)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, err) == (130, "")
    assert states(folder) == ["FAIL"]
    spent, resume = out.splitlines()[1:]
    assert spent.startswith(f"0 of {BUDGET} slots are spent: 1 preempted; ")
    assert resume == f"Resume: tuner {RUN}"
    assert is_resumed(tuner)


def test_a_killed_run_loses_no_slot(tuner: CommandLine, folder: Path) -> None:
    """After `kill -9` no process is left; a lapsed lease has the trial shown as lost; its slot is spent."""
    with running_tuner(f"{RUN} --workers 2", folder) as process:
        wait_until_training(process, folder)
        process.kill()
        process.wait()
        out, err = process.communicate()
    assert "Traceback" not in out + err
    wait_until_gone(folder)
    if "RUNNING" not in states(folder):  # its workers were quick to tell that they were preempted
        assert is_resumed(tuner)
        return
    with closing(sqlite3.connect(folder / "tuner.db")) as database, database:
        database.execute("update tuner_workers set lease = lease - 3600")
    left = states(folder).count("RUNNING")
    answer = json.loads(tuner("status endless --json").out)
    assert (answer["trials"]["running"], answer["trials"]["lost"]) == (0, left)
    assert "went away 61 minutes ago" in tuner("status endless").out
    assert is_resumed(tuner)
    assert json.loads(tuner("trial endless 0 --json").out)["outcome"] in {"lost", "preempted"}


def test_a_closed_terminal_ends_several_workers_cleanly(tuner: CommandLine, folder: Path) -> None:
    """SIGHUP does with several workers what Ctrl-C does with one: no trial runs on, no process is left."""
    with running_tuner(f"{RUN} --workers 2", folder) as process:
        wait_until_training(process, folder)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate()
    assert (process.returncode, err) == (130, "")
    assert set(states(folder)) == {"FAIL"}
    assert "\nResume: tuner run studies/endless.yaml " in out
    wait_until_gone(folder)


def test_a_scheduler_ends_a_run_as_cleanly(tuner: CommandLine, folder: Path) -> None:
    """SIGTERM does what Ctrl-C does."""
    tuner.write("signals", f"{os.getpid()} SIGTERM")
    answer = tuner(RUN)
    assert (answer.code, answer.err) == (130, "")
    assert states(folder) == ["FAIL"]
    assert answer.out.endswith(f"Resume: tuner {RUN}\n")
    assert is_resumed(tuner)


def test_a_second_signal_ends_a_run_at_once(tuner: CommandLine, folder: Path) -> None:
    """The epoch that is running is not waited for, nothing is left, and a third signal changes nothing."""
    tuner.write("signals", f"{os.getpid()} SIGINT SIGTERM")  # two alike may arrive as one
    answer = tuner(RUN)
    missing = f"0 of {BUDGET} slots are spent, {BUDGET} are missing"
    assert (answer.code, answer.err) == (130, f"Interrupted: {missing}; go on: tuner {RUN}\n")
    assert "Resume" not in answer.out
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert states(folder) == ["FAIL"]
    assert json.loads(tuner("status endless --json").out)["trials"]["waiting"] == BUDGET


def test_a_time_limit_ends_a_run(tuner: CommandLine, folder: Path) -> None:
    """When the time is up the run ends with 0 and says how it goes on."""
    answer = tuner(f"{RUN} --timeout 0.001")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(f"\nResume: tuner {RUN}\n")
    assert is_resumed(tuner)
