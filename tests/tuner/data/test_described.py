"""What `validate` says of a table, and what the shipped study makes of one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from studies.shipped.catalogue import find_study_file
from tests.tuner.command_line import CommandLine
from tests.tuner.data.tables import ROWS, patients, read
from tests.tuner.training.probes import IN_MEMORY
from tuner.data.tabular.described import describe
from tuner.modules import MLPClassifier
from tuner.preparation.target import for_target

pytestmark = IN_MEMORY

SHORT = "--set space.use=grad_clip --set optimizer.class_path=torch.optim.Adam --set trainer.max_epochs=1"


def written(tuner: CommandLine, **columns: object) -> pd.DataFrame:
    """Write a table, some of whose columns are not to be learnt from."""
    frame = patients(patient_id=np.arange(ROWS), zip=np.arange(ROWS) % 7, **columns)
    frame.loc[:9, "age"] = np.nan
    frame.to_csv(tuner.folder / "ill.csv", index=False)
    return frame


def test_validate_says_what_a_table_is(tuner: CommandLine) -> None:
    """Rows, classes, columns, features and baselines are those of the file; a rare class is announced."""
    frame = written(tuner, rare=np.where(np.arange(ROWS) % 25, "no", "yes"))
    table = (
        f"table --set path=ill.csv --set target=rare --set ignore=patient_id --set categorical=zip {SHORT}"
    )
    answer = tuner(f"validate {table}")
    assert answer.code == 0, answer.err
    for line in (
        "200 rows: 120 train, 40 validate, 40 test",
        "rare: 2 classes, no 95.8%, yes 4.2%",
        "2 columns of numbers: age, smokes, gaps in age",
        "3 columns of categories: kind, ill, zip",
        "not learnt from: patient_id",
        f"{3 + 3 + 2 + 7} features",
        "always the most frequent class: val_loss",
    ):
        assert line in answer.out
    assert "The class 'yes' has 4.2% of the rows" in answer.err
    assert "--set class_weights=balanced --set study.metric=val_balanced_error" in answer.err
    data = json.loads(tuner(f"validate {table} --json").out)["data"]
    assert data["baselines"]["always the most frequent class"]["val_error"] == pytest.approx(2 / 40)
    assert sum(data["rows"].values()) == len(frame)
    weighted = tuner(f"validate {table} --set class_weights=balanced")
    assert (weighted.code, "has 4.2%" in weighted.err) == (0, False)


def test_a_baseline_is_scored_as_the_module_scores(tmp_path: Path) -> None:
    """Where classes count alike, answering nothing in particular errs in half of two classes."""
    frame = patients(rare=np.where(np.arange(ROWS) % 25, "no", "yes"))
    table = read(tmp_path, frame, target="rare", class_weights="balanced")
    found = describe(
        {"path": str(tmp_path / "patients.csv"), "target": "rare", "class_weights": "balanced"}
    ).baselines["always the most frequent class"]
    classifier = MLPClassifier(features=3, classes=2, hidden=[2])
    classifier.loss_weights = table.loss_weights
    truth = table.parts["val"][1]
    assert found["val_loss"] == pytest.approx(
        float(classifier.cross_entropy(torch.zeros(len(truth), 2), truth)), rel=1e-5
    )
    assert found["val_error"] == pytest.approx(2 / 40)
    assert found["val_balanced_error"] == 0.5


def test_the_baselines_are_those_of_the_batches(tuner: CommandLine) -> None:
    """Predicting the mean of the training rows scores what the data's own validation part says."""
    frame = patients(cost=np.random.default_rng(0).exponential(size=ROWS))
    table = read(tuner.folder, frame, target="cost")
    found = describe({"path": str(tuner.folder / "patients.csv"), "target": "cost"})
    truth = table.parts["val"][1]
    assert found.baselines["always the mean"]["val_loss"] == pytest.approx(
        float(truth.square().mean()), rel=1e-5
    )
    assert found.baselines["always the mean"]["val_rmse"] == pytest.approx(
        float(truth.square().mean().sqrt()) * table.target_scale, rel=1e-5
    )
    assert (found.classes, found.warning) == ({}, "")


def test_the_shipped_study_takes_the_module_and_the_metric_of_its_target(tuner: CommandLine) -> None:
    """A quantity is predicted by a regression, classes by a classifier, and the same command goes on."""
    written(tuner, cost=np.random.default_rng(0).exponential(size=ROWS))
    asked = f"run table --set path=ill.csv --set ignore=patient_id {SHORT} --quiet --no-rehearsal"
    for target, module, metric in (
        ("cost", "MLPRegressor", "val_rmse"),
        ("ill", "MLPClassifier", "val_loss"),
    ):
        command = f"{asked} --set target={target} --name {target}"
        assert f"Best {metric} " in tuner(f"{command} --trials 1").out
        assert tuner(f"{command} --trials 2").code == 0
        assert f"tuner.modules.{module}" in (tuner.folder / f"runs/{target}/best.yaml").read_text()


@pytest.mark.parametrize(
    ("target", "changes", "metric"),
    [
        ("cost", (), "val_rmse"),
        ("cost", ("study.metric=val_mae",), "val_mae"),
        ("cost", ("study.metric=val_loss",), "val_loss"),
        ("ill", ("class_weights=balanced",), "val_balanced_error"),
        ("ill", ("class_weights=balanced", "study.metric=val_loss"), "val_loss"),
        ("smokes", ("task=regression",), "val_rmse"),
    ],
)
def test_a_metric_that_was_asked_for_stays(
    tuner: CommandLine, target: str, changes: tuple[str, ...], metric: str
) -> None:
    """The target and the weights of its classes choose the metric, unless `--set` names one."""
    written(tuner, cost=np.random.default_rng(0).exponential(size=ROWS))
    asked = ("path=ill.csv", f"target={target}", *changes)
    file = find_study_file("table", asked)
    assert file is not None
    assert for_target(file).data["study"]["metric"] == metric


def test_a_table_without_a_target_is_answered_by_its_columns(tuner: CommandLine) -> None:
    """What the shipped file names in their place is no column that somebody meant."""
    written(tuner)
    sentence = tuner("validate table --set path=ill.csv").sentence
    assert sentence.startswith("table: data.init_args.target: is not given; add `--set target=COLUMN`")
    assert sentence.endswith("of age, kind, smokes, ill, patient_id, zip.")
    assert "`--set path=FILE.csv --set target=COLUMN`" in tuner("validate table").sentence


def test_two_tables_are_two_studies(tuner: CommandLine) -> None:
    """What to type next calls the study after the table's file, unless it has been called something."""
    written(tuner)
    (tuner.folder / "ill.csv").rename(tuner.folder / "who is ill.csv")
    asked = f"table --set 'path=who is ill.csv' --set target=ill --set ignore=patient_id {SHORT}"
    answer = tuner(f"validate {asked}")
    assert answer.out.splitlines()[-1].startswith("Next: tuner run table --name who-is-ill --set 'path=who")
    named = tuner(f"validate {asked} --set study.name=mine")
    assert "--name" not in named.out.splitlines()[-1]


def test_a_key_without_a_section_is_an_argument_of_the_data(tuner: CommandLine) -> None:
    """One that the data do not take is refused with the nearest that they do."""
    written(tuner)
    sentence = tuner("validate table --set path=ill.csv --set targt=ill").sentence
    assert "data.init_args.targt: Table takes no such argument; did you mean target?" in sentence
