"""What `validate` says of a table, and what the shipped study makes of one."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.tuner.command_line import CommandLine
from tests.tuner.data.tables import ROWS, patients, read
from tests.tuner.training.probes import IN_MEMORY
from tuner.data.tabular.described import describe

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
    assert "class_weights: balanced" in answer.err
    data = json.loads(tuner(f"validate {table} --json").out)["data"]
    assert data["baselines"]["always the most frequent class"]["val_error"] == pytest.approx(2 / 40)
    assert sum(data["rows"].values()) == len(frame)
    weighted = tuner(f"validate {table} --set class_weights=balanced --set study.metric=val_balanced_error")
    assert (weighted.code, "has 4.2%" in weighted.err) == (0, False)


def test_the_baselines_are_those_of_the_batches(tuner: CommandLine) -> None:
    """Predicting the mean of the training rows scores what the data's own validation part says."""
    frame = patients(cost=np.random.default_rng(0).exponential(size=ROWS))
    table = read(tuner.folder, frame, target="cost")
    found = describe({"path": str(tuner.folder / "patients.csv"), "target": "cost"})
    truth = table.parts["val"][1]
    assert found.baselines["always the mean"]["val_loss"] == pytest.approx(
        float(truth.square().mean()), rel=1e-5
    )
    assert (found.classes, found.warning) == ({}, "")


def test_the_shipped_study_takes_the_module_of_its_target(tuner: CommandLine) -> None:
    """A quantity is predicted by a regression, classes by a classifier, and the same command goes on."""
    written(tuner, cost=np.random.default_rng(0).exponential(size=ROWS))
    asked = f"run table --set path=ill.csv --set ignore=patient_id {SHORT} --quiet --no-rehearsal"
    for target, module in (("cost", "MLPRegressor"), ("ill", "MLPClassifier")):
        command = f"{asked} --set target={target} --name {target}"
        assert tuner(f"{command} --trials 1").code == 0
        assert tuner(f"{command} --trials 2").code == 0
        assert f"tuner.modules.{module}" in (tuner.folder / f"runs/{target}/best.yaml").read_text()


def test_a_key_without_a_section_is_an_argument_of_the_data(tuner: CommandLine) -> None:
    """One that the data do not take is refused with the nearest that they do."""
    written(tuner)
    sentence = tuner("validate table --set path=ill.csv --set targt=ill").sentence
    assert "data.init_args.targt: Table takes no such argument; did you mean target?" in sentence
