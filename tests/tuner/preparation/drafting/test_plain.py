"""What `init` finds trains as under plain LightningCLI, to the digit: factories, links and references."""

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.preparation.drafting.shape import HEAD, Shape
from tests.tuner.preparation.drafting.shapes import CALLABLES, FACTORY, LINKED, SHORT_LINKS
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

SHAPES: dict[str, tuple[Shape, str]] = {
    "a factory": (FACTORY, "pytorch_lightning"),
    "links": (LINKED, "lightning.pytorch"),
    "links for fixed classes": (SHORT_LINKS, "pytorch_lightning"),
    "callables": (CALLABLES, "lightning.pytorch"),
}


@pytest.mark.parametrize("name", list(SHAPES))
def test_no_digit_differs_from_plain_lightning_cli(tuner: CommandLine, name: str) -> None:
    """The line in the head of `best.yaml` reaches every score of the best trial, without the tuner."""
    shape, package = SHAPES[name]
    tuner.write("plainly.py", (HEAD + shape.source).format(package=package))
    if shape.config:
        tuner.write("config.yaml", shape.config.format(package=package, module="plainly"))
    assert tuner(f"init {shape.asked.format(module='plainly')} --output study.yaml").code == 0
    answer = tuner("run study.yaml --trials 3 --quiet --no-rehearsal --set trainer.max_epochs=2")
    assert answer.code == 0, answer.err
    answer = tuner("best own --export best.yaml --json")
    assert answer.code == 0, answer.err
    number = json.loads(answer.out)["number"]
    curve = [
        score for _, score in sorted(json.loads(tuner(f"trial own {number} --json").out)["curve"].items())
    ]
    text = (tuner.folder / "best.yaml").read_text()
    line = re.search(r"# Train it: (.*)$", text, flags=re.MULTILINE)
    assert line is not None
    command = line[1].replace(" python ", f" {shlex.quote(sys.executable)} -W ignore ")
    ended = subprocess.run(command, shell=True, cwd=tuner.folder, capture_output=True, text=True, check=False)  # noqa: S602
    assert ended.returncode == 0, ended.stderr + text
    (written,) = Path(tuner.folder).glob("lightning_logs/*/metrics.csv")
    with written.open() as file:
        scores = [float(row["val_loss"]) for row in csv.DictReader(file) if row.get("val_loss")]
    assert scores == pytest.approx(curve, rel=1e-6)


def test_no_reference_is_left_behind(tuner: CommandLine) -> None:
    """`${...}` follows what the trial chose for the key that it names, and `best.yaml` holds the value."""
    tuner.write("plainly.py", (HEAD + CALLABLES.source).format(package="pytorch_lightning"))
    tuner.write(
        "config.yaml",
        "seed_everything: 5\n"
        "trainer: {max_epochs: 1}\n"
        "model:\n  class_path: plainly.Own\n  init_args:\n"
        "    net: {class_path: plainly.Net, init_args: {hidden_dim: '${seed_everything}'}}\n"
        "    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.02,\n"
        "                dampening: '${trainer.max_epochs}',\n"
        "                weight_decay: '${model.init_args.optimizer.init_args.lr}'}}\n"
        "data: {class_path: plainly.Data}\n",
    )
    answer = tuner("init --config config.yaml --output study.yaml")
    assert (answer.code, answer.err) == (0, "")
    text = (tuner.folder / "study.yaml").read_text()
    assert "hidden_dim: 5  # searched" in text
    assert 'weight_decay: "${model.init_args.optimizer.init_args.lr}"' in text
    answer = tuner("run study.yaml --trials 2 --quiet --no-rehearsal")
    assert answer.code == 0, answer.err
    exported = (tuner.folder / "runs/own/best.yaml").read_text()
    assert "${" not in exported
    rates = re.findall(r"(?:lr|weight_decay): (\S+)", exported)
    assert len(rates) == 2
    assert rates[0] == rates[1]
