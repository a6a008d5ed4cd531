"""Folds of a table: each row is validated once, and no test row ever."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studies.database.open import open_database
from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError
from studies.ledger.making import create
from studies.proposing.seeds import training_seed
from studies.trials.trained import trained
from tests.tuner.data.tables import ROWS, patients, read
from tests.tuner.data.test_table import rows_of
from tests.tuner.training.by_processes import train
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import work
from tuner.errors import BadData
from tuner.preparation.prepare import prepare
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Fit

pytestmark = IN_MEMORY

FOLDS = 4
STUDY = """
study: {{name: folded, metric: val_loss, trials: 1, threads: 1, repeats: {{folds: 3}}}}
trainer: {{max_epochs: 2, accelerator: cpu}}
model: {{class_path: tuner.modules.MLPClassifier, init_args: {{hidden: [4], features: null, classes: null}}}}
data: {data}
optimizer: {{class_path: torch.optim.AdamW}}
space: {{add: {{optimizer.init_args.lr: {{low: 0.001, high: 0.1, log: true}}}}}}
"""


@pytest.mark.parametrize("more", [{}, {"group": "ward"}])
def test_every_row_is_validated_in_one_fold_and_tested_in_all(tmp_path: Path, more: dict[str, Any]) -> None:
    """Training and validation share no row and no group; the test part is that of a table without folds."""
    frame = patients(row=np.arange(ROWS), ward=np.arange(ROWS) // 5)
    whole = read(tmp_path, frame, target="row", **more)
    validated: Counter[int] = Counter()
    for fold in range(FOLDS):
        table = read(tmp_path, frame, target="row", fold=fold, folds=FOLDS, **more)
        trained_on, held_out = set(rows_of(table, "train")), set(rows_of(table, "val"))
        assert not trained_on & held_out
        assert rows_of(table, "test") == rows_of(whole, "test")
        if more:
            assert not {row // 5 for row in trained_on} & {row // 5 for row in held_out}
        validated.update(held_out)
    assert validated == Counter({*rows_of(whole, "train"), *rows_of(whole, "val")})


def test_each_fold_has_every_class_in_proportion(tmp_path: Path) -> None:
    """The share of a class in the validation part is that of all rows."""
    shares = [
        read(tmp_path, patients(), fold=fold, folds=FOLDS).parts["val"][1].float().mean()
        for fold in range(FOLDS)
    ]
    assert max(shares) - min(shares) < 0.06


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"fold": 1}, "fold and folds are given together"),
        ({"fold": 4, "folds": 4}, "0 <= fold < folds"),
        ({"fold": 0, "folds": 2, "time": "age"}, "no folds"),
    ],
)
def test_folds_that_are_none_are_refused(tmp_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    """One without the other, one beyond the last, or one of a table that is split in time."""
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path, patients(), **wrong)
    with pytest.raises(BadData, match="folds need at least as many; take fewer folds"):
        read(tmp_path, patients(), fold=0, folds=ROWS)


def test_a_trial_on_folds_scores_the_mean_of_trainings_on_each(tmp_path: Path) -> None:
    """Each is the training of that fold alone at the trial's seed; what is exported is the last one."""
    patients().to_csv(tmp_path / "patients.csv", index=False)
    data = f"{{class_path: tuner.data.Table, init_args: {{path: {tmp_path}/patients.csv, target: ill}}}}"
    text = STUDY.format(data=data)
    definition = prepare(parse_study_file(text, source="folded.yaml"))
    ledger = create(open_database(f"sqlite:///{tmp_path}/tuner.db"), definition, text)
    work(ledger, tmp_path)
    (record,) = ledger.records()
    scores = []
    for fold in range(3):
        configuration = dict(record.configuration or {})
        arguments = {**configuration["data"]["init_args"], "fold": fold, "folds": 3}
        configuration["data"] = {**configuration["data"], "init_args": arguments}
        seed = training_seed(definition, 0)
        alone = train(Assignment(configuration, seed, Objective("val_loss"), threads=1))
        assert isinstance(alone, Fit)
        scores.append(alone.score)
    assert record.repeats == tuple(scores)
    assert len(set(scores)) == 3
    assert trained(definition, record) == configuration


def test_data_without_folds_are_refused() -> None:
    """Before anything is trained the sentence says which data have folds, and what to write else."""
    text = STUDY.format(data="{class_path: tuner.data.Digits}")
    with pytest.raises(
        StudyFileError, match=r"study.repeats: asks for folds, but the data offer none.*seeds: 3"
    ):
        prepare(parse_study_file(text, source="folded.yaml"))
