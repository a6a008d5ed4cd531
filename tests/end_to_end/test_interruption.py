"""A run that is ended from outside is resumed by the same command to exactly its budget."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.processes import running_tuner
from tests.tuner.command_line import Answer, CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

BUDGET = 3
RUN = f"run endless.yaml --set study.trials={BUDGET} --output results"
STUDY = """
study: {name: endless, metric: val_loss}
trainer: {max_epochs: 2}
model: {class_path: endless.Endless}
space: {add: {model.init_args.lr: {low: 1e-3, high: 1e-1, log: true}}}
"""
MODULE = """
import threading
from pathlib import Path

import torch
from pytorch_lightning import LightningModule

class Endless(LightningModule):
    # An epoch lasts until a file `go` is there; a file `hang` makes a training step that never returns.

    def __init__(self, lr: float = 0.01):
        super().__init__()
        self.lr = lr
        self.weight = torch.nn.Parameter(torch.ones(1))

    def training_step(self, batch, batch_idx):
        if batch_idx == 1:  # one after the rehearsal's
            print("begun", flush=True)
            if Path("hang").exists():
                threading.Event().wait()
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
def folder(tuner: CommandLine) -> Path:
    """A folder with a study whose trials do not end by themselves."""
    tuner.write("endless.py", MODULE)
    tuner.write("endless.yaml", STUDY)
    return tuner.folder


def states(folder: Path) -> list[str]:
    """Give the state of each trial, as Optuna's table has it."""
    with closing(sqlite3.connect(folder / "tuner.db")) as database:
        return [row[0] for row in database.execute("select state from trials order by number")]


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read what a process prints until a line begins with `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(text):
            return
    raise AssertionError(f"{text!r} was never printed: {process.communicate()}")


def is_complete(tuner: CommandLine) -> bool:
    """Say whether exactly the budget has been spent, and nothing runs."""
    trials = json.loads(tuner("status endless --json").out)["trials"]
    spent = trials["complete"] + trials["pruned"] + trials["diverged"]
    return (spent, trials["waiting"], trials["running"]) == (BUDGET, 0, 0)


def resume(tuner: CommandLine, line: str) -> Answer:
    """Resume the study, whose trials now end."""
    tuner.write("go", "")
    sys.modules.pop("endless", None)  # another test's, of another folder
    return tuner(line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_a_run_cleanly(tuner: CommandLine, folder: Path, number: signal.Signals) -> None:
    """The first signal exits with 130, leaves no running trial, and prints the command that resumes."""
    with running_tuner(RUN, folder) as process:
        wait_for(process, "begun")
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, err) == (130, "")
    assert states(folder) == ["FAIL"]
    assert out.splitlines()[1:] == [
        f"0 of {BUDGET} slots are spent: no trial has ended yet; 0 s of training",
        f"Resume: tuner {RUN}",
    ]
    assert resume(tuner, RUN).code == 0
    assert is_complete(tuner)


def test_a_killed_run_loses_no_slot(tuner: CommandLine, folder: Path) -> None:
    """After `kill -9` a lapsed lease has the trial declared lost, and another spends its slot."""
    with running_tuner(RUN, folder) as process:
        wait_for(process, "begun")
        process.kill()
        process.wait()
    assert states(folder) == ["RUNNING"]
    with closing(sqlite3.connect(folder / "tuner.db")) as database, database:
        assert database.execute("update tuner_slots set lease = 0 where state = 'claimed'").rowcount == 1
    assert resume(tuner, RUN).code == 0
    assert is_complete(tuner)
    assert json.loads(tuner("trial endless 0 --json").out)["outcome"] == "lost"


def test_a_second_signal_ends_a_run_at_once(folder: Path) -> None:
    """A training step that never returns is not waited for: the second signal ends the program."""
    (folder / "hang").touch()
    with running_tuner(RUN, folder) as process:
        wait_for(process, "begun")
        sent = 0
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            sent += 1
            try:
                process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue  # two signals at once would count as one
        _, err = process.communicate()
    assert (process.returncode, err) == (130, "Interrupted.\n")
    assert sent >= 2


def test_a_time_limit_ends_a_run(tuner: CommandLine, folder: Path) -> None:
    """When the time is up the run ends with 0 and says how it goes on."""
    sys.modules.pop("endless", None)
    answer = tuner(f"{RUN} --timeout 0.001")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(f"no trial has ended yet; 0 s of training\nResume: tuner {RUN}\n")
    assert resume(tuner, f"{RUN} --quiet").code == 0
    assert is_complete(tuner)
