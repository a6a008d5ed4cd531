"""A notebook, executed as Jupyter executes it."""

import json
import re
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner import Study

pytestmark = IN_MEMORY

ROOT = Path(__file__).parents[2]
MODULE = '''
import torch
from pytorch_lightning import LightningModule
from tuner.data import load_batches

class Line(LightningModule):
    """A line through two numbers."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, 1))

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        return (self.layers(batch[0]) - 1).square().mean()

    def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
        self.log("val_loss", self.training_step(batch, batch_idx))

    def train_dataloader(self) -> object:
        return load_batches(torch.linspace(0, 1, 16).reshape(8, 2), batch_size=4, shuffle=True)

    val_dataloader = train_dataloader

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)
'''
CELLS = (
    MODULE,
    """
import tuner
study = tuner.tune(
    Line, space={"lr": tuner.Float(1e-3, 0.5, log=True, default=0.05), "width": 8},
    metric="val_loss", trials=4, trainer={"max_epochs": 3, "accelerator": "cpu"},
    settings={"seed": 3}, name="cells",
)
""",
    "study.best()",
    "study",
)
FILE = """
study: {name: file, metric: val_loss, trials: 4, seed: 3}
trainer: {max_epochs: 3, accelerator: cpu}
model: {class_path: line.Line, init_args: {width: 8}}
space: {add: {model.init_args.lr: {low: 1e-3, high: 0.5, log: true, default: 0.05}}}
"""


def test_a_notebook_scores_as_the_command_does_and_its_code_stays_in_it(
    tuner: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class of a cell has the scores of the same class in a file, is shown, and reaches no database."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tuner.folder)}}
    ).execute()
    tuner.write("line.py", MODULE)
    tuner.write("file.yaml", FILE)
    assert tuner("run file.yaml --quiet").code == 0
    ours, theirs = Study.open("cells").trials(), Study.open("file").trials()
    assert [list(trial.values.values()) for trial in ours] == [
        list(trial.values.values()) for trial in theirs
    ]
    assert [trial.curve for trial in ours] == [trial.curve for trial in theirs]
    progress, best, whole = (
        next(output["data"]["text/html"] for output in cell.outputs if "text/html" in output.get("data", {}))
        for cell in notebook.cells[1:]
    )
    number = json.loads(tuner("best file --json").out)["number"]
    assert re.search(r"4/4 slots", progress)
    assert f"trial {number}" in best
    assert "4 of 4 slots are spent" in whole
    assert b"training_step" not in (tuner.folder / "tuner.db").read_bytes()
    answer = tuner("run cells --trials 5")
    assert (answer.code, "only the notebook or script that made it has" in answer.err) == (2, True)
