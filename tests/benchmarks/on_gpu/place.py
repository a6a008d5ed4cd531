"""Where a promise is checked: a folder of its own, the accelerator, the `tuner` command, what it left."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.opening import open_ledger
from studies.trials.record import TrialRecord

ROOT = Path(__file__).parents[3]
TUNER = (sys.executable, "-W", "ignore", "-c", "from tuner.commands.start import main; main()")
MODULES = "tests.benchmarks.on_gpu.modules"


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder with a database of its own; `accelerator` is Lightning's name for what is trained on."""

    folder: Path
    accelerator: str = "gpu"

    @property
    def device(self) -> str:
        """Torch's name for it."""
        return "cuda" if self.accelerator == "gpu" else "cpu"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Give what a command's process sees; an empty value stands for itself."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "PYTHONWARNINGS": "ignore",
            "COLUMNS": "200",
            "TMPDIR": str(self.folder),
            "TUNER_STORAGE": f"sqlite:///{self.folder}/tuner.db",
            **extra,
        }

    def begin(self, *words: str, **extra: str) -> "subprocess.Popen[str]":
        """Start `tuner WORDS` in the folder."""
        return subprocess.Popen(
            [*TUNER, *words],
            cwd=self.folder,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def tuner(self, *words: str, **extra: str) -> Answer:
        """Run `tuner WORDS` to its end."""
        with self.begin(*words, **extra) as process:
            out, err = process.communicate()
        return Answer(process.returncode, out, err)

    def well(self, *words: str, **extra: str) -> str:
        """Run it, and give what it said, where it ends well."""
        answer = self.tuner(*words, **extra)
        assert answer.code == 0, (
            f"tuner {' '.join(words)}: {answer.code}\n{answer.out[-2000:]}\n{answer.err[-2000:]}"
        )
        return answer.out + answer.err

    def study(self, name: str, text: str) -> str:
        """Write a study file, and give its name; `ACCELERATOR` stands for the accelerator in it."""
        (self.folder / f"{name}.yaml").write_text(text.replace("ACCELERATOR", self.accelerator))
        return f"{name}.yaml"

    def ledger(self, name: str) -> Ledger:
        """Open what a study has left."""
        return open_ledger(open_database(f"sqlite:///{self.folder}/tuner.db"), name)

    def outcomes(self, name: str) -> list[str]:
        """Give how the trials of a study ended, in their order."""
        return [outcome_name(record) for record in self.ledger(name).records()]


def outcome_name(record: TrialRecord) -> str:
    """Name how a trial ended."""
    return "running" if record.outcome is None else record.outcome.value


def own_study(name: str, *, trials: int = 3, epochs: int = 2, space: str = "", **given: Any) -> str:
    """Write a study of a module of `modules`.

    Args:
        name: of the study.
        trials: how many slots it has.
        epochs: of a trial.
        space: what varies beside the learning rate, as the items of a mapping.
        given: `module`, `init_args`, `trainer` and `study`, the latter three as the items of a mapping.
    """
    varying = "model.init_args.lr: {low: 1e-3, high: 1e-2, log: true}"
    return f"""
study: {{name: {name}, metric: val_loss, trials: {trials}, exploration: 1.0, score: last, threads: 1,
         confirm: 0{given.get("study", "")}}}
trainer: {{max_epochs: {epochs}, accelerator: ACCELERATOR{given.get("trainer", "")}}}
model:
  class_path: {given.get("module", f"{MODULES}.OwnConvolutions")}
  init_args: {{{given.get("init_args", "")}}}
data: {{class_path: {MODULES}.Images}}
space: {{add: {{{", ".join(filter(None, (varying, space)))}}}}}
"""


@dataclass(frozen=True)
class Promise:
    """What is promised, and how it is checked; the check gives a remark, and raises where it is broken.

    Attributes:
        name: one word or two.
        says: the promise, in a sentence.
        check: looks whether it is kept.
        seconds: that it may take.
        alone: whether nothing else may use the GPU meanwhile.
    """

    name: str
    says: str
    check: Callable[[Place], str]
    seconds: float = 240.0
    alone: bool = False
