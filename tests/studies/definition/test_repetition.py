"""How often a trial is trained: how it is written, and what its trainings are."""

import pytest

from studies.definition.repetition import Repetition
from studies.definition.settings import read_settings
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError
from studies.proposing.seeds import training_seed
from tests.studies.samples import sample_definition


@pytest.mark.parametrize(
    "repeats",
    [
        "3",
        "{seeds: 1}",
        "{seeds: 101}",
        "{folds: 2.5}",
        "{seeds: 3, folds: 3}",
        "{times: 3}",
        "{}",
        "{seeds: true}",
    ],
)
def test_what_is_no_repetition_is_refused_with_an_example(repeats: str) -> None:
    """The sentence shows both ways to write it."""
    file = parse_study_file(f"study: {{name: a, metric: b, repeats: {repeats}}}", source="study.yaml")
    with pytest.raises(StudyFileError, match=r"study.repeats: must be `\{seeds: 3\}` or `\{folds: 5\}`"):
        read_settings(file)


def test_no_two_trainings_of_a_study_have_one_seed_and_those_on_folds_share_it() -> None:
    """The first training of a slot has the seed that it has without repeats; a definition comes back."""
    alone, seeds, folds = (
        sample_definition(name="one", **more)
        for more in ({}, {"repeats": {"seeds": 4}}, {"repeats": {"folds": 4}})
    )
    found = [training_seed(seeds, slot, repeat) for slot in range(50) for repeat in range(4)]
    assert len(set(found)) == len(found)
    assert found[::4] == [training_seed(alone, slot) for slot in range(50)]
    assert {training_seed(folds, 7, repeat) for repeat in range(4)} == {training_seed(alone, 7)}
    assert StudyDefinition.from_data(seeds.to_data()) == seeds


def test_a_fold_is_an_argument_of_the_data_and_nothing_else_changes() -> None:
    """What the study file says of the data stays, and stays as it is for the next training."""
    whole = {"model": {"class_path": "a.B"}, "data": {"class_path": "c.D", "init_args": {"path": "x.csv"}}}
    third = Repetition(5, by_folds=True).configuration(whole, 2)
    assert third == {
        **whole,
        "data": {**whole["data"], "init_args": {"path": "x.csv", "fold": 2, "folds": 5}},
    }
    assert whole["data"]["init_args"] == {"path": "x.csv"}
    assert Repetition(5).configuration(whole, 2) == whole


def test_a_budget_that_pays_for_no_trial_is_refused() -> None:
    """Epochs of a study have to pay for all trainings of one trial."""
    text = """
    study: {name: a, metric: b, epochs: 29, repeats: {seeds: 3}}
    trainer: {max_epochs: 10}
    model: {class_path: a.Model}
    space: {add: {model.init_args.x: {low: 0.0, high: 1.0}}}
    """
    with pytest.raises(StudyFileError, match="the 3 trainings of one trial, which is 30 epochs"):
        define(parse_study_file(text, source="study.yaml"), lambda *_: None)
