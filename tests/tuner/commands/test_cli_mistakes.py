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

# What is wrong -> (a whole file, or `--set` changes to a good one; how the sentence begins; its remedy).
FILES = {
    "empty": ("", "my.yaml: the study file is empty", "write at least `study`, `model` and `data`"),
    "no YAML": ("study: {name: a\nmodel: b", "my.yaml: is not YAML in line 2", "mend it there"),
    "a list": ("- study", "my.yaml: a study file maps sections", "begin with `study:`"),
    "unknown section": (STUDY + "modle: {}", "my.yaml: modle: ", "did you mean model?"),
    "no name": ("study: {metric: a}", "my.yaml: study.name: is missing", "`name: digits`"),
    "a section twice": (STUDY + "data: {}", "my.yaml: is ambiguous in line 6", "keep one of the two"),
}
CHANGES = {
    "unknown key": ("study.trails=4", "my.yaml: study.trails: ", "did you mean trials?"),
    "trials of the wrong type": ("study.trials=few", "my.yaml: study.trials: ", "must be a whole number"),
    "no trials": ("study.trials=0", "my.yaml: study.trials: ", "must be at least 1"),
    "a name that is no folder": ("study.name=a/b", "my.yaml: study.name: ", "letters, digits"),
    "module not importable": (
        "model.class_path=missing_package.Model",
        "my.yaml: model.class_path: missing_package.Model cannot be imported",
        "install it, or run from the folder that holds it",
    ),
    "module that is no path": (
        "model.class_path=Model",
        "my.yaml: model.class_path: ",
        "package.module.Model",
    ),
    "class misspelled": (
        "model.class_path=tuner.modules.MLPClasifier",
        "my.yaml: model.class_path: ",
        "did you mean tuner.modules.MLPClassifier?",
    ),
    "class that is no module": (
        f"model.class_path={OWN}.OwnPlain space.use=recipe.quick",
        "my.yaml: model.class_path: OwnPlain is no LightningModule",
        "name a subclass of LightningModule",
    ),
    "module that exposes nothing": (
        f"model.class_path={OWN}.OwnRaising model.init_args={{}}",
        "my.yaml: space.use: the module exposes no space",
        "give it a static method `search_space()`",
    ),
    "argument misspelled": (
        "model.init_args.hiden=[8]",
        "my.yaml: model.init_args.hiden: ",
        "did you mean hidden?",
    ),
    "argument of the wrong type": (
        "model.init_args.hidden=many",
        "my.yaml: model.init_args.hidden: ",
        "many",
    ),
    "trainer key misspelled": (
        "trainer.max_epoch=3",
        "my.yaml: trainer.max_epoch: ",
        "did you mean max_epochs?",
    ),
    "trainer value of the wrong type": (
        "trainer.max_epochs=many",
        "my.yaml: trainer.max_epochs: ",
        "must be a whole number",
    ),
    "data class missing": (
        "data.class_path=tuner.data.Digitz",
        "my.yaml: data.class_path: ",
        "did you mean tuner.data.Digits?",
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
    "metric never logged": (
        "study.metric=val_los",
        "my.yaml: study.metric: The metric 'val_los' is not logged",
        "which logs val_balanced_error, val_error, val_loss; set study.metric to one of them",
    ),
    "no optimizer": (
        "space.use=dropout",
        "my.yaml: optimizer: is missing, and MLPClassifier has no `configure_optimizers`",
        "`optimizer: {class_path: torch.optim.AdamW}`",
    ),
    "module that raises": (
        f"model.class_path={OWN}.OwnRaising model.init_args={{}} space.use=optimizer",
        "my.yaml: model: a few steps of training ended with RuntimeError: mat1 and mat2 shapes",
        "`tuner --debug` shows where",
    ),
    "data of the other Lightning": (
        f"model={{class_path:\\ {OWN}.OwnTwin}} space.use=optimizer data.class_path={OWN}.OwnMissingData",
        "my.yaml: data.class_path: OwnMissingData is no LightningDataModule of lightning.pytorch",
        "take both from one package",
    ),
    "range upside down": (
        "space.add.model.init_args.depth={type:\\ int,\\ low:\\ 5,\\ high:\\ 1}",
        "my.yaml: space.add: model.init_args.depth: ",
        "`low <= high` must hold",
    ),
    "unknown space": ("space.use=recipe.quik", "my.yaml: space.use: ", "did you mean recipe.quick?"),
    "value that goes nowhere": (
        "space.add.depth={type:\\ int,\\ low:\\ 1,\\ high:\\ 5}",
        "my.yaml: space: depth is searched, but its value goes nowhere",
        "give it a `target`",
    ),
    "target that does not exist": (
        "space.add.model.init_args.depth={type:\\ int,\\ low:\\ 1,\\ high:\\ 5}",
        "my.yaml: model.init_args.depth: MLPClassifier takes no such argument",
        "it takes ",
    ),
    "sampler misspelled": (
        "sampler=optuna.samplers.TPESampeler",
        "my.yaml: sampler: ",
        "did you mean optuna.samplers.TPESampler?",
    ),
    "pruner argument misspelled": (
        "pruner={class_path:\\ optuna.pruners.MedianPruner,\\ init_args:\\ {n_startup_trails:\\ 2}}",
        "my.yaml: pruner: ",
        "did you mean n_startup_trials?",
    ),
}
REQUESTS = {
    "file that is not there": (
        "run nothing.yaml",
        "nothing.yaml: the study file cannot be read",
        "check the path",
    ),
    "no such study": ("run digts", "'digts' is no file and no shipped study", "`tuner run STUDY` makes one"),
    "no database": ("status mine", "There is no database tuner.db yet", "`tuner run STUDY` makes one"),
    "storage that is no URL": (
        "run digits --storage tuner.db",
        "--storage must be a database URL such as sqlite:///tuner.db",
        "but got 'tuner.db'",
    ),
    "storage without a driver": (
        "list --storage oracle://user:secret@host/x",
        "The driver for oracle://user:***@host/x is not installed",
        "use sqlite, postgresql or mysql",
    ),
    "storage in memory": ("list --storage sqlite://", "sqlite:// keeps nothing", "name a file"),
    "zero trials": (
        "run digits --trials 0",
        "Invalid value for '--trials'",
        "`tuner run --help` explains it",
    ),
    "a name that is no folder": ("run digits --name ../x", "", "study.name: names a folder"),
    "nonsense to set": (
        "run digits --set nonsense",
        "--set: nonsense: must look like key=value",
        "study.trials=100",
    ),
    "unknown command": (
        "runn digits",
        "No such command 'runn'",
        "did you mean 'run'; `tuner --help` explains it",
    ),
    "unknown option": ("run digits --trails 5", "No such option '--trails'", "did you mean '--trials'"),
    "argument left out": ("run", "Missing argument 'STUDY'", "`tuner run --help` explains it"),
    "trial that is no number": (
        "trial mine best",
        "Invalid value for 'NUMBER'",
        "`tuner trial --help` explains it",
    ),
    "unknown space": (
        "spaces recipe.quik",
        "The catalogue has no space 'recipe.quik'",
        "did you mean recipe.quick?",
    ),
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
    "validating what is no file": ("validate nothing", "'nothing' is no file and no shipped study", "digits"),
}


def refused(tuner: CommandLine, line: str) -> str:
    """Give the one sentence by which a request is refused."""
    answer = tuner(line)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.sentence[-1] in ".?"
    assert re.search(r"[?!.][;:,?!]|[?!]\.", answer.sentence) is None, "two marks in a row"
    return answer.sentence


@pytest.mark.parametrize(("text", "begins", "remedy"), FILES.values(), ids=FILES)
def test_a_file_that_is_wrong(tuner: CommandLine, text: str, begins: str, remedy: str) -> None:
    """A file that is no study is refused by its place in one sentence, and leaves no database behind."""
    tuner.write("my.yaml", text)
    sentence = refused(tuner, "run my.yaml")
    assert sentence.startswith(begins)
    assert remedy in sentence
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
    """A name that is taken or nearly right, and a trial that is not there, are told."""
    tuner.write("my.yaml", STUDY)
    assert tuner("run my.yaml --timeout 0.001 --quiet").code == 0
    assert refused(tuner, "run my.yaml --set trainer.max_epochs=2") == (
        "The study 'mine' was made from another definition: trainer.max_epochs was 1 and is 2; "
        "run the new one under another name: --name mine-2."
    )
    assert refused(tuner, "status mime") == "The database holds no study 'mime'; did you mean mine?"
    assert refused(tuner, "run mime").endswith("the database holds no study 'mime'; did you mean mine?")
    assert refused(tuner, "trial mine 9") == "The study 'mine' has no trial 9; it has none yet."
    assert refused(tuner, "best mine") == (
        "The study 'mine' has no completed trial yet; `tuner status mine` shows how far it is."
    )
    assert refused(tuner, "run mine --set study.trials=9").endswith("--set and --name need its file.")
    assert refused(tuner, "delete mine").endswith("give --yes to delete it unasked.")


def test_a_file_that_is_no_database(tuner: CommandLine) -> None:
    """A file that SQLite cannot read is named."""
    tuner.write("tuner.db", "not a database, and long enough to be looked at as one" * 10)
    url = f"sqlite:///{tuner.folder / 'tuner.db'}"
    assert refused(tuner, "list") == f"The database {url} cannot be opened: file is not a database."


def test_a_password_is_never_shown(tuner: CommandLine) -> None:
    """What is printed of a URL hides its password."""
    sentence = refused(tuner, "list --storage postgresql://me:secret@localhost:1/x?connect_timeout=1")
    assert "secret" not in sentence
    assert sentence.startswith("The database postgresql+psycopg://me:***@localhost:1/x")


def test_a_traceback_is_shown_only_when_asked_for(tuner: CommandLine) -> None:
    """`--debug`, wherever it stands, adds the traceback, which ends in the user's own line."""
    tuner.write("my.yaml", STUDY)
    changes = f"--set model.class_path={OWN}.OwnRaising --set model.init_args={{}} --set space.use=optimizer"
    answer = tuner(f"run my.yaml {changes} --debug")
    assert answer.code == 2
    assert "in training_step" in answer.err
    assert answer.err.splitlines()[-1].startswith("Error: my.yaml: model: a few steps")


def test_a_database_of_plain_optuna_is_listed_and_not_touched(tuner: CommandLine) -> None:
    """A study that another program made is listed, and refused where ours is needed."""
    import optuna

    study = optuna.create_study(study_name="theirs", storage="sqlite:///tuner.db")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    tables = sqlite3.connect("tuner.db").execute("select name from sqlite_master").fetchall()
    assert tuner("list").out.splitlines()[1].split() == ["theirs", *"------"]
    assert refused(tuner, "status theirs").startswith("The study 'theirs' was made by another program")
    assert sqlite3.connect("tuner.db").execute("select name from sqlite_master").fetchall() == tables
