"""A definition goes into a database as JSON and comes back as it was; its differences are told in words."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.catalogue.registry import CATALOGUE, named_space
from search_spaces.space.algebra import extend, narrow
from search_spaces.space.nodes import Categorical, Float, Group
from search_spaces.space.parameters import default_values
from studies.definition.changes import first_change
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError
from studies.shipped.catalogue import find_study_file, shipped_studies
from studies.trials.difference import Difference, differences
from tests.studies.samples import SPACE, sample_definition

FULL = """
study: {name: a, metric: val_loss, direction: maximize, trials: 8, seed: 3, exploration: 0.5, score: last,
        diverged_beyond: 1e3}
trainer: {max_epochs: 9, gradient_clip_val: 0.5, callbacks: [{class_path: a.Callback}]}
model: {class_path: package.Model, init_args: {hidden: [8, 8], weights: {0: 1.0}, name: null}}
data: {class_path: package.Data}
optimizer: {class_path: torch.optim.SGD, init_args: {lr: 1e-2}}
lr_scheduler: torch.optim.lr_scheduler.ConstantLR
sampler: {class_path: optuna.samplers.NSGAIISampler, init_args: {population_size: 20}}
pruner: optuna.pruners.MedianPruner
"""


def from_json(definition: StudyDefinition) -> StudyDefinition:
    """Give a definition as a database gives it back."""
    return StudyDefinition.from_data(json.loads(json.dumps(definition.to_data())))


def exchanged(width: Categorical) -> Group:
    """Give the sample space with another width."""
    return Group({**SPACE.children, "model.init_args.width": width})


def test_every_section_comes_back() -> None:
    """A file that uses everything survives JSON, so that a resumed study equals its file."""
    definition = define(parse_study_file(FULL, source="a.yaml"), lambda *_: SPACE)
    again = from_json(definition)
    assert again == definition
    assert first_change(again, definition) is None


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_space_of_the_catalogue_comes_back(name: str) -> None:
    """A space survives JSON whole, its explanations and priors included."""
    definition = sample_definition(space=named_space(name))
    assert from_json(definition) == definition


def test_what_a_definition_leaves_out_stays_out() -> None:
    """Sections that a file does not have are not made up."""
    assert set(sample_definition().to_data()) == {"study", "trainer", "model", "space", "sampler", "pruner"}


OLD = sample_definition(name="a")
OF_SGD = Categorical((16, 32, 64), when={"optimizer": ("sgd",)})
CHANGES = {
    "more trials": (replace(OLD, settings=replace(OLD.settings, trials=99)), None),
    "a setting": (
        replace(OLD, settings=replace(OLD.settings, metric="x", trials=99)),
        "study.metric was val_loss and is x",
    ),
    "a section that came": (
        replace(OLD, fixed={**OLD.fixed, "data": {"class_path": "b.Data"}}),
        "data.class_path was nothing and is b.Data",
    ),
    "a section that went": (
        replace(OLD, fixed={"model": OLD.fixed["model"]}),
        "trainer.max_epochs was 9 and is nothing",
    ),
    "a sampler": (
        replace(OLD, sampler={"class_path": "optuna.samplers.RandomSampler", "init_args": {}}),
        "sampler.class_path was nothing and is optuna.samplers.RandomSampler",
    ),
    "a range": (
        replace(OLD, space=narrow(SPACE, "optimizer.sgd.lr", low=0.01)),
        "optimizer.sgd.lr was log 0.001 .. 1 and is log 0.01 .. 1",
    ),
    "a branch": (
        replace(OLD, space=narrow(SPACE, "optimizer", choices=["adam"])),
        "optimizer was sgd, adam and is adam",
    ),
    "a parameter that came": (
        replace(OLD, space=extend(SPACE, "model.init_args.depth", Float(1.0, 2.0))),
        "the space has gained model.init_args.depth",
    ),
    "a parameter that went": (
        replace(OLD, space=Group({"optimizer": SPACE.children["optimizer"]})),
        "the space has lost model.init_args.width",
    ),
    "a target": (
        replace(OLD, space=exchanged(Categorical((16, 32, 64), target="model.a"))),
        "a value of the space fills another key",
    ),
    "a condition": (
        replace(OLD, space=exchanged(OF_SGD)),
        "model.init_args.width existed when always and does when optimizer is sgd",
    ),
}


@pytest.mark.parametrize(("new", "said"), CHANGES.values(), ids=CHANGES)
def test_the_first_change_is_told(new: StudyDefinition, said: str | None) -> None:
    """The first key that differs is told, whichever definition has it; the budget does not count."""
    assert first_change(OLD, new) == said


def test_differences_from_the_defaults() -> None:
    """A parameter at its default is left out; one that exists on one side has no value on the other."""
    defaults = default_values(SPACE)
    assert differences(SPACE, defaults) == ()
    assert differences(
        SPACE, {"optimizer": "adam", "optimizer.adam.lr": 0.001, "model.init_args.width": 16}
    ) == (
        Difference("optimizer", "sgd", "adam"),
        Difference("optimizer.sgd.lr", defaults["optimizer.sgd.lr"], None),
        Difference("optimizer.adam.lr", None, 0.001),
    )


def test_a_study_is_a_path_or_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like a path is read as one, else a shipped study is meant, else nothing here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("study: {name: mine}", encoding="utf-8")
    (tmp_path / "plain").write_text("study: {name: plain}", encoding="utf-8")
    for study, name in {
        "mine.yaml": "mine",
        "./plain": "plain",
        "plain": "plain",
        "digits": "digits",
    }.items():
        file = find_study_file(study, ("study.seed=5",))
        assert file is not None
        assert file.data["study"]["name"] == name
        assert file.data["study"]["seed"] == 5
    assert "digits" in shipped_studies()
    assert find_study_file("a-study-of-the-database") is None
    for missing in ("none.yaml", "folder/none"):
        with pytest.raises(StudyFileError, match=f"^{re.escape(missing)}: "):
            find_study_file(missing)


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_are_defined(name: str) -> None:
    """Every study that is shipped can be defined and is called by its file's name."""
    file = find_study_file(name)
    assert file is not None
    assert define(file, lambda *_: SPACE).settings.name == name


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("study", "trials", 0, "study.trials must be at least 1, but got 0"),
        (
            "study",
            "trials",
            10**13,
            "study.trials must be a number up to 1000000000000, but got 10000000000000",
        ),
        ("study", "seed", -1, "study.seed must be at least 0, but got -1"),
        ("study", "seed", 2**31, "study.seed must be a number up to 2147483647, but got 2147483648"),
        ("study", "hours", math.nan, "study.hours is NaN, which equals no number"),
        ("study", "hours", math.inf, "study.hours must be a number up to 2147483647, but got inf"),
        ("study", "epochs", -2.5, "study.epochs must be more than 0, but got -2.5"),
        ("study", "priority", 2**63, "study.priority is a whole number of more than 64 bits"),
        ("study", "confirm", -1, "study.confirm must be at least 0, but got -1"),
        ("trainer", "max_epochs", -(2**70), "trainer.max_epochs is a whole number of more than 64 bits"),
        ("model", "init_args", {"x": [1, math.nan]}, "model.init_args.x is NaN, which equals no number"),
    ],
)
def test_no_number_of_a_database_is_beyond_those_of_a_file(
    section: str, key: str, value: object, said: str
) -> None:
    """What a study file may not hold is not read from a database either, and the key is named."""
    data = sample_definition().to_data()
    data[section] = {**data[section], key: value}
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        StudyDefinition.from_data(json.loads(json.dumps(data)))


def test_a_definition_keeps_the_versions_that_its_space_had() -> None:
    """Each version is given by its number, oldest first, and comes back from JSON; there are no others."""
    definition = sample_definition()
    first, second = Group({"a": Float(0.0, 1.0)}), Group({"b": Float(0.0, 1.0)})
    changed = replace(definition, earlier_spaces=(first, second))
    assert from_json(changed) == changed
    assert changed.version == 3
    assert [changed.space_of(version) for version in (1, 2, 3)] == [first, second, definition.space]
    for version in (0, 4):
        with pytest.raises(IndexError):
            changed.space_of(version)
    assert (definition.version, definition.space_of(1)) == (1, definition.space)
