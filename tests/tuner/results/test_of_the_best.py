"""The best trial's weights on the test part of the data, in a process of their own."""

import json
import sys

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

MODULE = """
import os, signal, sys
from tests.tuner.small_modules import Small

class Tested(Small):
    def test_dataloader(self):
        return self.train_dataloader()

    def test_step(self, batch, batch_idx):
        {step}
"""
STUDY = """
study: {name: mine, metric: val_loss, trials: 1}
trainer: {max_epochs: 1, accelerator: cpu}
model: {class_path: tested.Tested}
space: {add: {model.init_args.width: {choices: [3, 4]}}}
"""


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("sys.exit(0)", "SystemExit"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("print('what it said'); raise ValueError('no test today')", "no test today"),
    ],
)
def test_a_test_that_ends_its_process_takes_no_results_away(tuner: CommandLine, step: str, told: str) -> None:
    """The best configuration, its weights and the report are written, and the exit code is 1."""
    tuner.write("tested.py", MODULE.format(step=step))
    tuner.write("study.yaml", STUDY)
    answer = tuner("run study.yaml --no-rehearsal")
    assert (answer.code, answer.err.count("Traceback")) == (1, 0), answer
    assert "The best trial could not be tested" in answer.out
    assert told in answer.out
    written = {path.name for path in (tuner.folder / "runs" / "mine").iterdir()}
    assert {"best.yaml", "report.html", "trial-0.ckpt"} <= written
    assert ("test.log" in written) == ("print" in step)
    tuner.write("tested.py", MODULE.format(step="self.log('test_loss', 0.25)"))
    assert tuner("run study.yaml").code == 0
    assert json.loads(tuner("best mine --json").out)["test"] == {"test_loss": 0.25}


def test_a_module_that_changes_the_folder_moves_no_export(
    tuner: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported lies where it was asked for, whatever the module does while it is imported."""
    elsewhere = tuner.folder / "elsewhere"
    elsewhere.mkdir()
    moving = (
        f"import os\nfrom tests.tuner.small_modules import Small as Tested\nos.chdir({str(elsewhere)!r})\n"
    )
    tuner.write("tested.py", moving)
    tuner.write("study.yaml", STUDY)
    assert tuner("run study.yaml --no-rehearsal").code == 0
    monkeypatch.delitem(sys.modules, "tested")
    assert tuner("best mine --export here.yaml").code == 0
    assert (tuner.folder / "here.yaml").exists()
    assert list(elsewhere.iterdir()) == []
