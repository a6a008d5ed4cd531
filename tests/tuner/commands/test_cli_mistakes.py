"""Whatever is wrong with a request: exit code 2 and one sentence that names the place and the remedy."""

import re
import shlex
import sqlite3

import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY

pytestmark = IN_MEMORY

STUDY = """
study: {name: mine, metric: val_loss, trials: 4}
trainer: {max_epochs: 1}
model: {class_path: tuner.modules.MLPClassifier, init_args: {hidden: [8]}}
data: {class_path: tuner.data.Digits}
"""
OWN = "tests.tuner.own_mistakes"

# What is wrong -> (`--set` changes to a good file; how the sentence begins; its remedy). What can be refused
# before classes are imported has its tests in tuner/preparation/test_first_look.py and studies/definition.
CHANGES = {
    "module that exposes nothing": (
        f"model.class_path={OWN}.OwnRaising model.init_args={{}}",
        "my.yaml: space.use: the module exposes no space",
        "give it a static method `search_space()`",
    ),
    "argument of the wrong type": (
        "model.init_args.hidden=many",
        "my.yaml: model.init_args.hidden: ",
        "many",
    ),
    "data file missing": (
        f"data.class_path={OWN}.OwnMissingData",
        "my.yaml: data: ",
        "No such file or directory: 'digits.npz'",
    ),
    "no validation part": (
        f"data.class_path={OWN}.OwnUnvalidatedData",
        "my.yaml: study.metric: The metric 'val_loss' is not logged by MLPClassifier in validation",
        "which logs nothing; log it with self.log, and give the data a val_dataloader",
    ),
    "no optimizer": (
        "space.use=dropout",
        "my.yaml: optimizer: is missing, and MLPClassifier has no `configure_optimizers`",
        "`optimizer: {class_path: torch.optim.AdamW}`",
    ),
    "data of the other Lightning": (
        f"model={{class_path:\\ {OWN}.OwnTwin}} space.use=optimizer data.class_path={OWN}.OwnMissingData",
        "my.yaml: data.class_path: OwnMissingData is no LightningDataModule of lightning.pytorch",
        "take both from one package",
    ),
    "target that does not exist": (
        "space.add.model.init_args.depth={type:\\ int,\\ low:\\ 1,\\ high:\\ 5}",
        "my.yaml: model.init_args.depth: MLPClassifier takes no such argument",
        "it takes ",
    ),
}
REQUESTS = {
    "no such study": ("run digts", "'digts' is no file and no shipped study", "`tuner run STUDY` makes one"),
    "no database": ("status mine", "There is no database tuner.db yet", "`tuner run STUDY` makes one"),
    "zero trials": (
        "run digits --trials 0",
        "Invalid value for '--trials'",
        "`tuner run --help` explains it",
    ),
    "a name that is no folder": ("run digits --name ../x", "", "study.name: names a folder"),
    "argument left out": ("run", "Missing argument 'STUDY'", "`tuner run --help` explains it"),
    "checkpoints below a file": (
        "run digits --checkpoints /dev/null/x",
        "--checkpoints: /dev/null/x takes no file: NotADirectoryError",
        "name another folder or URL",
    ),
    "checkpoints in a store that nobody knows": (
        "worker mine --checkpoints s4://bucket",
        "--checkpoints: s4://bucket takes no file: ValueError: Protocol not known: s4",
        "name another folder or URL",
    ),
}


def refused(tuner: CommandLine, line: str) -> str:
    """Give the one sentence by which a request is refused."""
    answer = tuner(line)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.sentence[-1] in ".?"
    assert re.search(r"[?!.][;:,?!]|[?!]\.", answer.sentence) is None, "two marks in a row"
    return answer.sentence


def test_a_file_that_is_wrong_leaves_nothing(tuner: CommandLine) -> None:
    """A file that is no study is refused by its place in one sentence, before a database is made."""
    tuner.write("my.yaml", STUDY + "data: {}")
    sentence = refused(tuner, "run my.yaml")
    assert sentence.startswith("my.yaml: is ambiguous in line 6")
    assert [path.name for path in tuner.folder.iterdir()] == ["my.yaml"]


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
@pytest.mark.parametrize(("changes", "begins", "remedy"), CHANGES.values(), ids=CHANGES)
def test_a_study_that_is_wrong(tuner: CommandLine, changes: str, begins: str, remedy: str) -> None:
    """A mistake in a study is refused by file, key and remedy in one sentence, before any trial is made."""
    tuner.write("my.yaml", STUDY)
    sets = " ".join(f"--set {shlex.quote(change)}" for change in shlex.split(changes))
    sentence = refused(tuner, f"run my.yaml {sets}")
    assert sentence.startswith(begins)
    assert remedy in sentence
    assert not (tuner.folder / "runs").exists()


@pytest.mark.parametrize(("line", "begins", "remedy"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_is_wrong(tuner: CommandLine, line: str, begins: str, remedy: str) -> None:
    """A request that cannot be carried out is refused in one sentence, and nothing is written."""
    sentence = refused(tuner, line)
    assert sentence.startswith(begins)
    assert remedy in sentence
    assert list(tuner.folder.iterdir()) == []


def test_a_study_that_is_there_already(tuner: CommandLine) -> None:
    """A name that is taken or nearly right, and what a study without its file cannot do, are told."""
    tuner.write("my.yaml", STUDY)
    assert tuner("run my.yaml --timeout 0.001 --quiet").code == 0
    assert refused(tuner, "run my.yaml --set trainer.max_epochs=2").endswith("another name: --name mine-2.")
    assert refused(tuner, "run mime").endswith("the database holds no study 'mime'; did you mean mine?")
    assert refused(tuner, "best mine").endswith("; `tuner status mine` shows how far it is.")
    assert refused(tuner, "run mine --set study.trials=9").endswith("--set and --name need its file.")
    assert refused(tuner, "delete mine").endswith("give --yes to delete it unasked.")


def test_a_traceback_is_shown_only_when_asked_for(tuner: CommandLine) -> None:
    """`--debug`, wherever it stands, adds the traceback, which ends in the user's own line."""
    tuner.write("my.yaml", STUDY)
    changes = f"--set model.class_path={OWN}.OwnRaising --set model.init_args={{}} --set space.use=optimizer"
    answer = tuner(f"run my.yaml {changes} --debug")
    assert answer.code == 2
    assert "in training_step" in answer.err
    assert answer.err.splitlines()[-1].startswith("Error: my.yaml: model: a few steps of training ended with")


def test_a_database_of_plain_optuna_is_listed_and_not_touched(tuner: CommandLine) -> None:
    """A study that another program made is listed, and refused where ours is needed."""
    import optuna

    study = optuna.create_study(study_name="theirs", storage="sqlite:///tuner.db")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    tables = sqlite3.connect("tuner.db").execute("select name from sqlite_master").fetchall()
    assert tuner("list").out.splitlines()[1].split() == ["theirs", *"------"]
    assert refused(tuner, "status theirs").startswith("The study 'theirs' was made by another program")
    assert sqlite3.connect("tuner.db").execute("select name from sqlite_master").fetchall() == tables
