"""A user's own modules, from the folder that the user is in."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.cli import LightningCLI

from tests.end_to_end.processes import TUNER, environment
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

MODULE = """
from pathlib import Path

import torch
from {package} import LightningDataModule, LightningModule

class Own(LightningModule):
    def __init__(self, width: int = 3, fails: bool = False):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))
        self.fails = fails

    def training_step(self, batch, batch_idx):
        if self.fails and batch_idx == 3 and not Path("mended").exists():  # one after those of the rehearsal
            raise ValueError("a mistake in the fourth batch")
        return self.layers(batch).square().mean()

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layers(batch).square().mean())

class OwnWithOptimizer(Own):
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.125)

class OwnData(LightningDataModule):
    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.linspace(0, 1, 40).reshape(20, 2), batch_size=4)

    val_dataloader = train_dataloader
"""
STUDY = """
study: {{name: own, metric: val_loss, trials: 3, score: last}}
trainer: {{max_epochs: 2}}
model: {{class_path: own_module.{model}}}
data: {{class_path: own_module.OwnData}}
{more}
"""
VARYING_WIDTH = "space: {add: {model.init_args.width: {type: int, low: 1, high: 5}}}"


@pytest.fixture
def own(tuner: CommandLine) -> CommandLine:
    """The command line in a folder with a module of the user's own."""
    tuner.write("own_module.py", MODULE.format(package="pytorch_lightning"))
    return tuner


def trials(tuner: CommandLine, count: int) -> list[dict[str, Any]]:
    """Give the first trials of the study."""
    return [json.loads(tuner(f"trial own {number} --json").out) for number in range(count)]


def test_a_module_of_the_other_lightning(own: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`best.yaml` is for the LightningCLI of the module's package, which reaches its very score."""
    own.write("own_module.py", MODULE.format(package="lightning.pytorch"))
    own.write("own.yaml", STUDY.format(model="Own", more="space: {use: optimizer}"))
    answer = own("run own.yaml")
    assert (answer.code, answer.err) == (0, "")
    text = (own.folder / "runs/own/best.yaml").read_text()
    assert "tuner.callbacks.lightning_pytorch.UndecayedGroups" in text
    assert "'from lightning.pytorch.cli import LightningCLI; LightningCLI()'" in text
    told = re.search(r", val_loss (\S+);", text)
    assert told is not None
    own.write("best.yaml", text)
    monkeypatch.setattr(sys, "argv", ["-c", "fit", "--config", "best.yaml"])
    assert f"{float(LightningCLI().trainer.callback_metrics['val_loss']):.6g}" == told[1]


def test_an_optimizer_of_the_module_is_kept(own: CommandLine) -> None:
    """Where the space names no optimizer, the module's own `configure_optimizers` trains."""
    own.write("own.yaml", STUDY.format(model="OwnWithOptimizer", more=VARYING_WIDTH))
    answer = own("run own.yaml")
    assert (answer.code, answer.err) == (0, "")
    assert {trial["outcome"] for trial in trials(own, 3)} <= {"completed", "pruned"}
    assert "optimizer" not in trials(own, 1)[0]["configuration"]


def test_a_mistake_in_the_module_stops_the_study(own: CommandLine) -> None:
    """Three errors in a row end the study with one traceback; mended, the same command goes on."""
    own.write("own.yaml", STUDY.format(model="OwnWithOptimizer", more=VARYING_WIDTH))
    line = "run own.yaml --set model.init_args.fails=true"
    answer = own(line)
    assert answer.code == 1
    assert answer.err.count("Traceback (most recent call last)") == 1
    assert answer.err.splitlines()[-1] == (
        "Error: The study 'own' is stopped: its last 3 trials ended with an error, the last with "
        "ValueError: a mistake in the fourth batch; mend it and give the same command again."
    )
    assert [trial["outcome"] for trial in trials(own, 3)] == ["failed"] * 3
    text = own("trial own 2").out
    assert "cause: ValueError: a mistake in the fourth batch" in text
    assert 'own_module.py", line ' in text
    own.write("mended", "")
    assert own(line).code == 0
    counts = json.loads(own("status own --json").out)["trials"]
    assert (counts["complete"] + counts["pruned"], counts["failed"], counts["waiting"]) == (3, 3, 0)


def test_a_module_that_diverges(own: CommandLine) -> None:
    """Losses that leave the numbers end a trial within two steps; a study of nothing else ends with 1."""
    more = f"optimizer: {{class_path: torch.optim.SGD, init_args: {{lr: 1e30}}}}\n{VARYING_WIDTH}"
    own.write("own.yaml", STUDY.format(model="Own", more=more))
    answer = own("run own.yaml")
    assert (answer.code, answer.err) == (1, "")
    assert "No trial was completed, so there is no best configuration." in answer.out
    for trial in trials(own, 3):
        assert trial["outcome"] == "diverged"
        step = re.search(r"the training loss was (nan|inf) at step (\d)", trial["cause"])
        assert step is not None
        assert int(step[2]) <= 2
    assert "3 diverged" in own("status own").out


ELSEWHERE = """
import os
import tempfile

os.chdir(tempfile.mkdtemp())

class Wandering(OwnWithOptimizer):
    def training_step(self, batch, batch_idx):
        os.chdir(tempfile.mkdtemp())
        return super().training_step(batch, batch_idx)

    def test_step(self, batch, batch_idx):
        os.chdir(tempfile.mkdtemp())
        self.log("test_loss", self.layers(batch).square().mean())

class WanderingData(OwnData):
    test_dataloader = OwnData.train_dataloader
"""


@pytest.mark.parametrize("line", ["run", "create"])
def test_a_module_that_changes_the_working_directory_changes_nothing(own: CommandLine, line: str) -> None:
    """Whether it does so when imported, rehearsed, trained or tested: all results lie where asked."""
    own.write("own_module.py", MODULE.format(package="pytorch_lightning") + ELSEWHERE)
    text = STUDY.format(model="Wandering", more=VARYING_WIDTH)
    own.write("own.yaml", text.replace("OwnData", "WanderingData"))
    answer = own(f"{line} own.yaml")
    assert (answer.code, answer.err) == (0, "")
    if line == "create":
        assert own("worker own --checkpoints shared").code == 0
        assert own("run own --checkpoints shared").code == 0
    assert Path.cwd() == own.folder
    best = json.loads(own("best own --json").out)
    assert set(best["test"]) == {"test_loss"}
    names = {path.name for path in (own.folder / "runs/own").iterdir()}
    assert names == {"best.yaml", "report.html", f"trial-{best['number']}.ckpt"}
    assert best["weights"].endswith(f":{own.folder}/runs/own/trial-{best['number']}.ckpt")


@pytest.mark.parametrize("package", ["pytorch_lightning", "lightning.pytorch"])
def test_both_lightnings_are_quiet(own: CommandLine, package: str) -> None:
    """`validate` prints what it found of a module of either Lightning, and nothing that Lightning says."""
    own.write("own_module.py", MODULE.format(package=package))
    own.write("own.yaml", STUDY.format(model="Own", more="space: {use: optimizer}"))
    ended = subprocess.run(
        [*TUNER, "validate", "own.yaml"],
        cwd=own.folder,
        env={key: value for key, value in environment().items() if key != "PYTHONWARNINGS"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(line.startswith("own is fine: ") for line in ended.stdout.splitlines())
    assert ended.stderr == ""
