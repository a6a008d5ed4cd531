"""A wrong word is answered at once: with one sentence, with what was probably meant, and without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studies.database.url import refuse_misspelt
from studies.errors import StorageError
from tests.end_to_end.processes import environment

STUDY = """
study: {name: mine, metric: val_loss}
trainer: {max_epochs: 2}
model: {class_path: tuner.modules.MLPClassifier}
data: {class_path: tuner.data.Digits}
space: {use: recipe.quick}
"""
# What is typed, and what the sentence has to offer instead.
WORDS = {
    "ru digits": "did you mean 'run'",
    "run digits --trails 3": "did you mean '--trials'",
    "statsu mine": "did you mean 'status'",
    "run digts": "did you mean digits;",
    "run mien": "did you mean mine;",
    "create digts": "did you mean digits;",
    "validate digts": "did you mean digits?",
    "run mine.yml": "mine.yml: the study file cannot be read",
    "run digits --set study.trails=3": "study.trails: is not known; did you mean trials?",
    "run digits --set trianer.max_epochs=3": "did you mean trainer?",
    "run digits --set space.use=recipe.quik": "did you mean recipe.quick?",
    "run digits --set space.narow={}": "did you mean narrow?",
    "run digits --set space.fix.optimizer=adamwx": "did you mean adamw?",
    "run digits --set space.fix.optimiser=adamw": "did you mean optimizer?",
    "run digits --set sampler=optuna.samplers.TPESamplr": "did you mean optuna.samplers.TPESampler?",
    "validate digits --set study.direction=minimise": "must be minimize or maximize",
    "create digits --set pruner=optuna.pruners.MedianPrunr": "did you mean optuna.pruners.MedianPruner?",
    "run mine.yaml --set model.class_path=tuner.modules.MLPClasifier": "modules.MLPClassifier?",
    "run mine.yaml --set model.class_path=MLPClassifier": "such as package.module.MLPClassifier",
    "run mine.yaml --set model.init_args.hiden=[8]": "did you mean hidden?",
    "run mine.yaml --set data.class_path=tuner.data.Digitz": "tuner.data.Digits?",
    "run mine.yaml --set data.class_path=sklern.Digits": "No module named 'sklern'; install it, or run from",
    "run mine.yaml --set data.class_path=tuner.trainin.Digits": "No module named 'tuner.trainin'",
    "run mine.yaml --set trainer.max_epoch=3": "did you mean max_epochs?",
    "run mine.yaml --set optimizer=torch.optim.AdamWX": "did you mean torch.optim.AdamW?",
    "run mine.yaml --set trainer.callbacks=[{class_path:\\ pytorch_lightning.callbacks.EarlyStoping}]":
        "did you mean pytorch_lightning.callbacks.EarlyStopping?",
    "spaces recipe.quik": "did you mean recipe.quick?",
    "run digits --storage postgres://me@host/base": "did you mean postgresql://***@host/base?",
    "list --storage sqlite:/x": "did you mean sqlite:////x?",
    "status mine --storage sqllite:///x.db": "did you mean sqlite:///x.db?",
    "worker --storage x.db": "did you mean sqlite:///x.db?",
}  # fmt: skip
SCRIPT = """
import contextlib, io, json, shlex, sys
from tuner.cli import main
answers = []
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(shlex.split(line))
        except SystemExit as ended:
            answers.append([ended.code, out.getvalue(), err.getvalue(), "torch" in sys.modules])
print(json.dumps(answers))
"""


def test_a_wrong_word_waits_for_no_pytorch(tmp_path: Path) -> None:
    """Commands, options, studies, settings, spaces, samplers, databases: what was meant is said at once."""
    (tmp_path / "mine.yaml").write_text(STUDY)
    asked = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(list(WORDS)),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    for (line, meant), (code, out, err, has_torch) in zip(
        WORDS.items(), json.loads(asked.stdout), strict=True
    ):
        assert (code, out) == (2, ""), line
        assert err.startswith("Error: "), line
        assert err.count("\n") == 1, line
        assert meant in err, line
        assert not has_torch, line
    assert {path.name for path in tmp_path.iterdir()} == {"mine.yaml"}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgres://u:secret@h/d", "postgresql://***@h/d"),
        ("postgresql+psycopg:/u:sec@ret@h/d", "postgresql+psycopg://***@h/d"),
        ("mysqll://h/d?password=secret", "mysql://h/d?password=***"),
        ("sqlite:x.db", "sqlite:///x.db"),
        ("sqlite://x.db", "sqlite:///x.db"),
        ("./studies.sqlite3", "sqlite:///./studies.sqlite3"),
    ],
)
def test_a_misspelt_url_is_refused_without_its_password(given: str, meant: str) -> None:
    """The sentence offers the URL that was meant, and neither URL in it shows a password."""
    with pytest.raises(StorageError) as refused:
        refuse_misspelt(given)
    assert str(refused.value).endswith(f"; did you mean {meant}?")
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite:///x.db", "sqlite:////a/x.db", "postgresql://u:p@h/d", "mysql+pymysql://h/d", "MariaDB://h/d"],
)
def test_a_url_that_is_fine_is_not_refused(url: str) -> None:
    """Nothing is said of a kind of database that there is."""
    refuse_misspelt(url)
