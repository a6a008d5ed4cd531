"""`tuner retrain` and `tuner predict`: the winner trained again, and put to use on new rows."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from tests.tuner.command_line import CommandLine
from tests.tuner.data.tables import ROWS, patients
from tests.tuner.training.probes import IN_MEMORY
from tuner.data import Table
from tuner.modules import MLPClassifier, MLPRegressor
from tuner.results.predicting import Winner, predict
from tuner.training.assignment import Assignment, Objective
from tuner.training.ends import Fit
from tuner.training.fitting.fit import fit

pytestmark = IN_MEMORY

STUDY = """
study: {{name: mine, metric: val_loss, trials: 2, threads: 1}}
trainer: {{max_epochs: 2, accelerator: cpu}}
model: {{class_path: tuner.modules.{module}, init_args: {{{sizes}, hidden: [8]}}}}
data: {{class_path: tuner.data.Table, init_args: {{path: table.csv, target: {target}, scaling: quantile}}}}
space: {{use: optimizer}}
"""


SIZES = {"MLPClassifier": "features: null, classes: null", "MLPRegressor": "features: null"}


def ran(tuner: CommandLine, *, module: str = "MLPClassifier", target: str = "ill") -> pd.DataFrame:
    """Run a study of a table with gaps and rare categories."""
    draw = np.random.default_rng(1)
    frame = patients(
        zip=draw.choice([f"z{number}" for number in range(60)], ROWS), cost=draw.exponential(size=ROWS)
    )
    frame.loc[3:20, "age"] = np.nan
    frame.loc[15:30, "kind"] = None
    frame.to_csv(tuner.folder / "table.csv", index=False)
    tuner.write("study.yaml", STUDY.format(module=module, target=target, sizes=SIZES[module]))
    answer = tuner("run study.yaml --quiet")
    assert (answer.code, answer.err) == (0, "")
    return frame


def loaded(file: Path, kind: Any) -> tuple[Any, dict[str, Any]]:
    """Load weights as the documents say, with the hyperparameters that they carry."""
    checkpoint = torch.load(file, weights_only=True)
    return kind.load_from_checkpoint(file, map_location="cpu", weights_only=True).eval(), checkpoint


def test_new_rows_are_encoded_as_in_training(tuner: CommandLine) -> None:
    """Predictions of the very rows of the table are what the module answers to its own batches."""
    frame = ran(tuner)
    frame.drop(columns="ill").to_csv(tuner.folder / "rows.csv", index=False)
    (tuner.folder / "table.csv").rename(tuner.folder / "moved.csv")  # prediction needs it no longer
    answer = tuner("predict mine rows.csv --output out.csv")
    assert (answer.code, answer.out) == (0, "Written: out.csv\n"), answer.err
    predicted = pd.read_csv(tuner.folder / "out.csv")
    table = Table(str(tuner.folder / "moved.csv"), "ill", scaling="quantile")
    table.setup("test")
    (file,) = (tuner.folder / "runs/mine").glob("*.ckpt")
    module, _ = loaded(file, MLPClassifier)
    found = predicted["ill=yes"].to_numpy()
    for x, _ in table.parts.values():
        with torch.inference_mode():
            for share in module(x).softmax(dim=1)[:, 1].tolist():
                assert np.isclose(found, share, rtol=1e-5).any()
    assert (predicted["ill_predicted"] == np.where(found > 0.5, "yes", "no")).all()
    assert list(predicted.columns[:2]) == ["age", "kind"]


def test_weights_of_a_gpu_predict_on_a_machine_without_one(tuner: CommandLine) -> None:
    """Accelerator, devices and precision are those of the training; what it answers needs none of them."""
    frame = ran(tuner)
    frame.drop(columns="ill").to_csv(tuner.folder / "rows.csv", index=False)
    (file,) = (tuner.folder / "runs/mine").glob("*.ckpt")
    configuration = json.loads(tuner("trial mine 0 --json").out)["configuration"]
    on_cpu = predict(Winner(configuration, [file], tuner.folder / "rows.csv"))
    configuration["trainer"] |= {"accelerator": "gpu", "devices": [0], "precision": "16-mixed"}
    assert predict(Winner(configuration, [file], tuner.folder / "rows.csv")) == on_cpu


def test_a_quantity_is_predicted_in_its_own_unit(tuner: CommandLine) -> None:
    """Predictions of a regression have the scale of the target in the table."""
    ran(tuner, module="MLPRegressor", target="cost")
    assert tuner("predict mine table.csv --output out.csv").code == 0
    (file,) = (tuner.folder / "runs/mine").glob("*.ckpt")
    module, checkpoint = loaded(file, MLPRegressor)
    table = Table(str(tuner.folder / "table.csv"), "cost", scaling="quantile")
    table.setup("test")
    with torch.inference_mode():
        expected = torch.cat([module(x) for x, _ in table.parts.values()])
    found = pd.read_csv(tuner.folder / "out.csv")["cost_predicted"]
    assert np.allclose(np.sort(found), np.sort(expected.numpy()), rtol=1e-4)
    assert checkpoint["Table"]["encoder"]["target"] == "cost"


def test_a_winner_is_trained_again_on_fresh_seeds_and_on_all_rows(tuner: CommandLine) -> None:
    """Each training is one plain fit of the winner's configuration at its seed; its weights are all kept."""
    ran(tuner)
    told = json.loads(tuner("retrain mine --seeds 2 --json").out)["trained"]
    assert tuner("best mine --export best.yaml").code == 0
    configuration = yaml.safe_load((tuner.folder / "best.yaml").read_text())
    configuration["trainer"] |= {"callbacks": [], "logger": False, "enable_progress_bar": False}
    configuration["trainer"]["callbacks"] = [
        callback
        for callback in yaml.safe_load((tuner.folder / "best.yaml").read_text())["trainer"]["callbacks"]
        if "ModelCheckpoint" not in callback["class_path"]
    ]
    seed = configuration.pop("seed_everything")
    assert seed not in {each["seed"] for each in told}
    for each in told:
        ended = fit(
            Assignment(configuration, each["seed"], Objective("val_loss"), threads=1), lambda *_: False
        )
        assert isinstance(ended, Fit)
        assert ended.score == each["score"]
        assert Path(each["weights"]).exists()
    everything = tuner("retrain mine --all-data")
    assert everything.code == 0, everything.err
    assert "says nothing of others" in everything.out
    (file,) = re.findall(r"runs/mine-retrained/\S+\.ckpt", everything.out)
    own = torch.load(tuner.folder / file, weights_only=True)["Table"]["encoder"]
    ages = pd.read_csv(tuner.folder / "table.csv")["age"]
    assert own["numeric"]["age"]["median"] == ages.median()  # and not that of the training rows
    assert "mine-retrained" in tuner("list").out
    assert tuner("delete mine --yes").code == 0
    assert "mine-retrained" not in tuner("list").out


def test_rows_that_cannot_be_predicted_are_refused(tuner: CommandLine) -> None:
    """A column that is missing and a word among numbers are told in one sentence, and nothing is written."""
    ran(tuner)
    head = "age,kind,smokes,zip,cost\n"
    for rows, sentence in (
        ("age,smokes\n1,True\n", "there is no column 'cost', 'kind', 'zip', from which was learnt"),
        (f"{head}old,a,True,z1,1\n", "row 1 holds 'old'"),
        (head, "there are no rows"),
    ):
        tuner.write("rows.csv", rows)
        answer = tuner("predict mine rows.csv --output out.csv")
        assert (answer.code, sentence in answer.err) == (2, True), answer.err
        assert answer.err.startswith("Error: ")
        assert not (tuner.folder / "out.csv").exists()


def test_values_that_were_not_learnt_from_are_named(tuner: CommandLine) -> None:
    """They are predicted as gaps are, or as no category; a line says so, and nothing of known ones."""
    frame = ran(tuner).drop(columns="ill")
    frame.to_csv(tuner.folder / "known.csv", index=False)
    strange = frame.head(4).astype(object)
    strange.loc[:2, "kind"] = "zz\x1b[31m"
    strange.loc[3, "smokes"] = None
    strange.to_csv(tuner.folder / "strange.csv", index=False)
    known = tuner("predict mine known.csv --output known-out.csv").err
    assert "kind: " not in known
    assert "smokes: " not in known
    answer = tuner("predict mine strange.csv --output out.csv")
    assert answer.code == 0, answer.err
    assert "kind: 3 of the rows hold a value that no training row had, such as 'zz\\x1b[31m'" in answer.err
    assert "smokes: 1 of the rows is empty, and no training row was; the median is taken" in answer.err
    assert len(pd.read_csv(tuner.folder / "out.csv")) == 4


def test_what_has_no_winner_or_no_table_is_refused(tuner: CommandLine) -> None:
    """Without a completed trial, without weights here, or with data of another kind, one sentence says so."""
    tuner.write("small.yaml", SMALL)
    assert tuner("create small.yaml").code == 0
    tuner.write("rows.csv", "a\n1\n")
    for command, sentence in (
        ("predict small rows.csv", "no completed trial yet"),
        ("retrain small", "none to train again"),
        ("retrain small --all-data", "takes no argument `train_on_all`"),
    ):
        answer = tuner(command)
        assert (answer.code, sentence in answer.sentence) == (2, True), answer.err
    assert tuner("run small.yaml --quiet").code == 0
    assert "carries no encoder of a table" in tuner("predict small rows.csv").sentence
    assert "are not in elsewhere" in tuner("predict small rows.csv --runs elsewhere").sentence


SMALL = """
study: {name: small, metric: val_loss, trials: 1}
trainer: {max_epochs: 1, accelerator: cpu}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {choices: [3, 4]}}}
"""
