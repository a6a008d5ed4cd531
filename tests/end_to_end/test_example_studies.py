"""The studies that are shipped: each is a sound question, and a batch of it trains."""

from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer

from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile
from studies.shipped.catalogue import find_study_file, shipped_studies
from tests.tuner.command_line import CommandLine
from tests.tuner.data.idx_files import write_fashion
from tests.tuner.training.probes import IN_MEMORY
from tuner.preparation.prepare import prepare
from tuner.preparation.rehearsing import rehearse

pytestmark = IN_MEMORY

QUESTIONS = ("digits-momentum", "digits-momentum-effective", "digits-init", "digits-dropout")


def shipped(study: str, *overrides: str) -> tuple[StudyFile, StudyDefinition]:
    """Read a shipped study."""
    file = find_study_file(study, overrides)
    assert file is not None
    return file, prepare(file)


def with_data(study: str, folder: Path) -> tuple[str, ...]:
    """Say where the data are of a study that comes without, having put some into a folder."""
    if study == "table":
        load_breast_cancer(as_frame=True).frame.to_csv(folder / "mine.csv", index=False)
        return (f"data.init_args.path={folder}/mine.csv",)
    if study == "fashion":
        write_fashion(folder)
        return (f"data.init_args.root={folder}",)
    return ()


@pytest.mark.parametrize("study", shipped_studies())
def test_a_shipped_study_trains(study: str, tmp_path: Path) -> None:
    """It is called what its file is called, nothing in it is wrong, and its defaults train a batch."""
    file, definition = shipped(study, *with_data(study, tmp_path))
    assert definition.settings.name == study
    rehearse(file, definition)


@pytest.mark.parametrize("study", ["fashion", "regression", "table"])
def test_a_few_trials_of_other_data(tuner: CommandLine, study: str) -> None:
    """Images, a table and a quantity are tuned as they are shipped, and the best is tested."""
    small = (*with_data(study, tuner.folder), "trainer.max_epochs=2", "study.trials=3")
    sets = " ".join(f"--set {override}" for override in small)
    answer = tuner(f"run {study} {sets}")
    assert answer.code == 0, answer.err
    assert "3 of 3 slots are spent" in answer.out
    assert "failed" not in answer.out
    tested = {"fashion": "test_balanced_error", "regression": "test_rmse", "table": "test_loss"}
    assert tested[study] in answer.out


@pytest.mark.parametrize(
    ("is_there", "said"),
    [
        (False, "table.yaml: data: absent.csv: the file cannot be read: No such file"),
        (True, "there is no column 'tumor', which `target` names"),
    ],
)
def test_data_that_are_wrong_are_told_before_the_first_trial(
    tuner: CommandLine, *, is_there: bool, said: str
) -> None:
    """The sentence names the study's file and what to mend, and nothing is left behind."""
    given = with_data("table", tuner.folder) if is_there else ("path=absent.csv",)
    sets = " ".join(f"--set {override}" for override in (*given, "data.init_args.target=tumor"))
    answer = tuner(f"run table {sets}")
    assert answer.code == 2
    assert said in answer.sentence
    assert not (tuner.folder / "runs").exists()


@pytest.mark.parametrize("study", QUESTIONS)
def test_an_example_is_made_to_be_analysed(study: str) -> None:
    """Every trial of an example is quasi-random and runs to its end, and a comment says what it asks."""
    file, definition = shipped(study)
    assert definition.settings.exploration == 1
    assert definition.pruner == {"class_path": "optuna.pruners.NopPruner", "init_args": {}}
    assert "?" in file.text.partition("study:")[0]


def test_the_momentum_studies_differ_in_their_rate_alone() -> None:
    """What changes from one to the other is the coordinate, so a changed interaction is its doing."""
    raw, effective = (shipped(study)[1] for study in QUESTIONS[:2])
    assert raw.fixed == effective.fixed
    assert replace(raw.settings, name="") == replace(effective.settings, name="")
    both = [dict(definition.space.children) for definition in (raw, effective)]
    assert both[0].pop("lr") != both[1].pop("lr_effective")
    assert both[0] == both[1]
