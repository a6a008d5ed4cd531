"""An import that ends its process ends a process of its own, and never the tuner."""

import sqlite3

import pytest

from tests.end_to_end.processes import running_tuner
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

MODULE = """
import ctypes
import os
from pathlib import Path

from optuna.samplers import RandomSampler
from tests.tuner.small_modules import Small

class Own(Small):
    pass

class Sampler(RandomSampler):
    pass

if Path("ending").exists():
    exec(Path("ending").read_text())
"""
STUDY = """
study: {name: own, metric: val_loss, trials: 2}
trainer: {max_epochs: 1}
model: {class_path: NAME.Own}
space: {add: {trainer.gradient_clip_val: {choices: [1.0, 2.0]}}}
"""
ENDINGS = {
    "an exit of the process": ("os._exit(3)", "ends the process that imports it with exit code 3"),
    "a crash of native code": ("os.abort()", "ends the process that imports it by SIGABRT"),
    "an exit of the program": ("raise SystemExit(0)", "ends the program by SystemExit: 0"),
}
REMEDY = 'put what runs by itself under `if __name__ == "__main__":`.'


def write(tuner: CommandLine, name: str, ending: str) -> None:
    """Write a study and its module, which ends its process if there is an ending."""
    tuner.write(f"{name}.py", MODULE)
    tuner.write("own.yaml", STUDY.replace("NAME", name))
    if ending:
        tuner.write("ending", ending)


@pytest.mark.parametrize(("command", "kind"), [*zip(["create", "run", "validate"], ENDINGS, strict=True)])
def test_a_file_whose_module_ends_its_process_is_refused(tuner: CommandLine, kind: str, command: str) -> None:
    """One sentence names the key, the module, how it ended, and the remedy; nothing is made."""
    ending, said = ENDINGS[kind]
    write(tuner, "deadly", ending)
    answer = tuner(f"{command} own.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert answer.sentence == f"own.yaml: model.class_path: importing deadly {said}; {REMEDY}"
    assert not (tuner.folder / "tuner.db").exists()
    assert not (tuner.folder / "runs").exists()


def test_a_sampler_whose_module_ends_its_process_is_refused(tuner: CommandLine) -> None:
    """It is the first module of all that is imported."""
    write(tuner, "deadly", "os._exit(3)")
    answer = tuner(
        "create own.yaml --set model.class_path=tests.tuner.small_modules.Small --set sampler=deadly.Sampler"
    )
    assert answer.code == 2
    assert answer.sentence.startswith("own.yaml: sampler: importing deadly ends the process")


def test_a_study_whose_module_ends_its_process_here_is_not_worked_on(tuner: CommandLine) -> None:
    """Made where the import went well: a worker refuses it, one that serves all passes over it."""
    write(tuner, "mortal", "")
    assert tuner("create own.yaml").code == 0
    write(tuner, "mortal", "os._exit(3)")
    said = f"importing mortal ends the process that imports it with exit code 3; {REMEDY}"
    for line in ("worker own --any-code", "run own"):
        answer = tuner(line)
        assert answer.code == 2
        assert answer.sentence == f"The study 'own' cannot be worked on here: {said}"
    answer = tuner("worker --allow mortal --any-code --no-wait")
    assert (answer.code, answer.err) == (0, f"own is passed over: {said}\n")
    assert tuner("status own").out.startswith("own: 0 of 2 slots are spent")


def test_a_fork_server_that_ends_of_a_module_is_started_without_it(tuner: CommandLine) -> None:
    """A program of its own, whose fork server imports what the study names, says the same."""
    write(tuner, "deadly", "os._exit(3)")
    of_tests, of_lightning = (
        "tests.tuner.small_modules import Small",
        "pytorch_lightning import LightningModule",
    )
    tuner.write("deadly.py", MODULE.replace(of_tests, f"{of_lightning} as Small"))
    with running_tuner("create own.yaml", tuner.folder) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith("Error: own.yaml: model.class_path: importing deadly ends the process")
    assert err.count("\n") == 1


def test_a_study_whose_modules_of_ours_have_moved_claims_no_slot(
    tuner: CommandLine,
) -> None:
    """Whoever names it hears that it has to be made again; no trial fails, and the study is not stopped."""
    assert tuner("create digits --trials 2 --no-rehearsal").code == 0
    with sqlite3.connect(tuner.folder / "tuner.db") as database:
        database.execute(
            "update study_user_attributes set value_json = "
            "replace(value_json, 'tuner.modules.', 'tuner.training.modules.')"
        )
    database.close()
    for line in ("worker digits --no-wait", "run digits --quiet"):
        answer = tuner(line)
        assert (line, answer.code) == (line, 2)
        assert "tuner.training.modules.MLPClassifier" in answer.err
        assert answer.err.count("\n") == 1
    assert tuner("status digits").out.splitlines()[1].startswith("0 complete")
