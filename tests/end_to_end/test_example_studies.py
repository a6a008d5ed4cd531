"""The studies that are shipped: each is a sound question, and a batch of it trains."""

from dataclasses import replace

import pytest

from studies.catalogue import find_study_file, shipped_studies
from studies.definition import StudyDefinition
from studies.study_file import StudyFile
from tests.tuner.training.probes import IN_MEMORY
from tuner.preparation import prepare, rehearse

pytestmark = IN_MEMORY

QUESTIONS = ("digits-momentum", "digits-momentum-effective", "digits-init", "digits-dropout")


def shipped(study: str) -> tuple[StudyFile, StudyDefinition]:
    """Read a shipped study."""
    file = find_study_file(study)
    assert file is not None
    return file, prepare(file)


@pytest.mark.parametrize("study", shipped_studies())
def test_a_shipped_study_trains(study: str) -> None:
    """It is called what its file is called, nothing in it is wrong, and its defaults train a batch."""
    file, definition = shipped(study)
    assert definition.settings.name == study
    rehearse(file, definition)


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
