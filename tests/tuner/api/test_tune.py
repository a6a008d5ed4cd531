"""`tuner.tune`: what a script has, without a study file."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule

import tuner as package
from search_spaces.errors import TunerError
from studies.errors import StudyChanged
from tests.tuner.command_line import CommandLine
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tuner import Float, Int, Manner, tune

pytestmark = IN_MEMORY

ROOT = Path(__file__).parents[3]
TRAINER = {"max_epochs": 2, "accelerator": "cpu"}
ASKED: dict[str, Any] = {"metric": "val_loss", "trials": 2, "trainer": TRAINER, "shows": False}
FILE = """
study: {name: file, metric: val_loss, trials: 4}
trainer: {max_epochs: 2, accelerator: cpu}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {width: {low: 1, high: 64, type: int, default: 4, target: model.init_args.width}}}
"""


def test_a_call_and_a_file_make_the_same_trials(tuner: CommandLine) -> None:
    """A call makes the values and curves of the study file that says the same, and goes on as that does."""
    asked = {**ASKED, "space": {"width": Int(1, 64, default=4)}}
    tune(Small, name="call", **asked)
    study = tune(Small, name="call", **{**asked, "trials": 4})
    tuner.write("file.yaml", FILE)
    assert tuner("run file.yaml --quiet").code == 0
    theirs = package.Study.open("file").trials()
    assert [(trial.values, trial.curve) for trial in study.trials()] == [
        (trial.values, trial.curve) for trial in theirs
    ]
    assert (study.status().done, study.status().slots) == (4, 4)


def test_what_a_function_holds_reaches_workers_by_value(tuner: CommandLine) -> None:
    """A class, a factory and an object of a function train here with two workers, and nowhere else."""
    goal = 3.0

    class Own(Small):
        def validation_step(self, batch: list[torch.Tensor], batch_idx: int) -> None:
            self.log("val_loss", torch.tensor(goal) + 0.0 * self.layers(batch[0]).sum())

        val_dataloader = Small.train_dataloader

    def build(width: int = 4, *, fixed: int = 0) -> LightningModule:
        assert fixed == 7
        return Own(width)

    asked = {**ASKED, "space": {"width": Int(1, 64, default=4)}}
    study = tune(partial(build, fixed=7), name="own", manner=Manner(workers=2), **asked)
    assert [trial.score for trial in study.trials()] == [goal, goal]
    definition = study.ledger.study.user_attrs["tuner:definition"]
    assert definition["model"] == {"class_path": "__main__._tuner_own_module", "init_args": {"fixed": 7}}
    del __import__("sys").modules["__main__"]._tuner_own_module
    for command in ("run own --trials 3", "worker own", "best own --export best.yaml"):
        answer = tuner(command)
        assert (answer.code, "only the notebook or script that made it has" in answer.err) == (2, True)
    assert package.Study.open("own").status().slots == 2


def test_a_module_that_is_changed_between_two_calls_is_trained_as_it_is_now(tuner: CommandLine) -> None:
    """What a process has imported for its children does not outlive the file that it comes from."""
    code = (
        "import torch\nfrom tests.tuner.small_modules import Small\nclass Own(Small):\n"
        "    def validation_step(self, batch, batch_idx):\n"
        "        self.log('val_loss', torch.tensor({goal}) + 0.0 * self.layers(batch[0]).sum())\n"
        "    val_dataloader = Small.train_dataloader\n"
    )
    tuner.write("changing.py", code.format(goal=1.0))
    tuner.write("by_hand.py", CALLER)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "by_hand.py"], cwd=tuner.folder, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.stdout.split() == ["1.0", "2.0"], ended.stderr


def test_a_script_without_a_guard_is_told_what_to_write(tuner: CommandLine) -> None:
    """A script that tunes while it is imported ends with the line that it lacks, and makes no study."""
    tuner.write("by_hand.py", CALLER.replace('if __name__ == "__main__":', "if True:"))
    tuner.write("changing.py", "from tests.tuner.small_modules import Small as Own\n")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "by_hand.py"],
        cwd=tuner.folder, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 1
    assert 'under `if __name__ == "__main__":`' in ended.stderr.splitlines()[-1]
    assert ended.stderr.count("Traceback") == 1


CALLER = """
from pathlib import Path
import tuner, changing

if __name__ == "__main__":
    for name in ("one", "two"):
        study = tuner.tune(changing.Own, space={"width": tuner.Int(1, 9)}, metric="val_loss", trials=1,
                           name=name, trainer={"max_epochs": 1, "accelerator": "cpu"}, shows=False)
        print(study.best().trial.score)
        file = Path("changing.py")
        file.write_text(file.read_text().replace("1.0", "2.0"))
"""


def nothing(lr: float) -> None:
    """Make no module."""


def unsaid(lr):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Make what nobody knows."""
    return Small()


WRONG: dict[str, Callable[[], Any]] = {
    "every trial needs one of its own": lambda: tune(Small(), **ASKED),  # type: ignore[arg-type]
    "does not say what it returns": lambda: tune(unsaid, **ASKED),
    "makes a NoneType, no LightningModule": lambda: tune(nothing, **ASKED),
    "from_datasets": lambda: tune(Small, [1, 2], **ASKED),
    "did you mean width": lambda: tune(Small, space={"widht": Int(1, 2)}, **ASKED),
    r"write Float\(1, 2\) to search between them, or Categorical\(\(1, 2\)\)": lambda: tune(
        Small, space={"width": [1, 2]}, **ASKED
    ),  # type: ignore[dict-item]
    "keeps numbers, texts": lambda: tune(partial(Small, width=object()), **ASKED),
    "by their place": lambda: tune(partial(Small, 4), space={"width": Int(1, 2)}, **ASKED),
    "exposes no space": lambda: tune(Small, **ASKED),
    "'val_lss' is not logged": lambda: tune(
        Small, space={"width": Int(1, 2)}, **{**ASKED, "metric": "val_lss"}
    ),
    "takes no such argument": lambda: tune(
        Small, space={"width": Int(1, 2)}, **{**ASKED, "trainer": {"epochs": 1}}
    ),
    "argument name": lambda: tune(Small, settings={"name": "other"}, **ASKED),
    "study.sead": lambda: tune(Small, space={"width": Int(1, 2)}, settings={"sead": 1}, **ASKED),
    "must be finite": lambda: tune(Small, space={"width": Float(0.0, float("nan"))}, **ASKED),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_cannot_be_tuned_is_refused_before_anything_is_stored(tuner: CommandLine, sentence: str) -> None:
    """Each wrong call is one sentence that says what to write, and leaves no study."""
    with pytest.raises(TunerError, match=sentence) as caught:
        WRONG[sentence]()
    assert "\n" not in str(caught.value)
    assert "small" not in tuner("list").out


def test_another_space_is_another_study(tuner: CommandLine) -> None:
    """A call with another space does not touch the study of that name."""
    tune(Small, space={"width": Int(1, 2)}, name="one", **ASKED)
    with pytest.raises(StudyChanged, match=r"width was 1 \.\. 2 and is 1 \.\. 3"):
        tune(Small, space={"width": Int(1, 3)}, name="one", **ASKED)
    assert package.Study.open("one").status().done == 2
