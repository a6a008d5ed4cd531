"""Everything that a run trains, it trains on the GPUs that `--gpus` names."""

import tempfile
from pathlib import Path

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

TWO = "GPU 0: A (UUID: GPU-0d5ba0d6)\nGPU 1: A (UUID: GPU-1d5ba0d6)\n"
MODULE = """
import os
from pathlib import Path
from tests.tuner.small_modules import Small

def note(kind):
    with Path("seen").open("a") as file:
        print(kind, os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES"), file=file)

class Seeing(Small):
    def training_step(self, batch, batch_idx):
        note("trained")
        return super().training_step(batch, batch_idx)

    def test_dataloader(self):
        return self.train_dataloader()

    def test_step(self, batch, batch_idx):
        note("tested")
        self.log("test_loss", 1.0)
"""
STUDY = """
study: {name: mine, metric: val_loss, trials: 1, confirm: 1, confirm_seeds: 1}
trainer: {max_epochs: 1, accelerator: cpu}
model: {class_path: seeing.Seeing}
space: {add: {model.init_args.width: {choices: [3, 4]}}}
"""


@pytest.fixture
def two_gpus(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A machine whose `nvidia-smi` lists two GPUs, and a module that notes which of them it may see."""
    program = tuner.folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '{TWO}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tuner.folder))  # where leases are
    tuner.write("seeing.py", MODULE)
    tuner.write("study.yaml", STUDY)
    return tuner


def seen(folder: Path) -> tuple[dict[str, int], set[str]]:
    """Count the processes that trained and tested since the last look, and name what they could see."""
    lines = [line.split() for line in (folder / "seen").read_text().splitlines()]
    (folder / "seen").unlink()
    processes = {(kind, process) for kind, process, _ in lines}
    kinds = [kind for kind, _ in processes]
    return {kind: kinds.count(kind) for kind in kinds}, {gpus for _, _, gpus in lines}


def test_nothing_of_a_run_trains_on_a_gpu_that_it_was_not_given(two_gpus: CommandLine) -> None:
    """Neither rehearsal, trial, confirmation, sharpness and test, nor what is trained again."""
    answer = two_gpus("run study.yaml --gpus 1 --quiet")
    assert answer.code == 0, answer
    assert seen(two_gpus.folder) == ({"trained": 4, "tested": 1}, {"1"})
    assert two_gpus("retrain mine --gpus 1 --quiet").code == 0
    assert seen(two_gpus.folder) == ({"trained": 1}, {"1"})
