"""A study of the database as an analysis: its scale, its part of the space, its verdict in words."""

import numpy as np
import optuna
import pytest
from optuna.study import Study

from search_spaces.space.nodes import Choice, Float, Group
from studies.analysis.observations.of_study import analyse, table_of
from studies.analysis.observations.scales import main_scale
from studies.analysis.views import views_of
from studies.analysis.words import verdict_in_words
from tests.studies.analysis.known_functions import Known

SPACE = Group(
    {
        "dropout": Choice({"none": Group(), "on": Group()}),
        "decay": Float(1e-4, 1.0, log=True),
        "rate": Float(1e-4, 1.0, log=True),
    }
)


def _study(function, n: int = 48) -> Study:  # noqa: ANN001 - as `Known` takes it
    study = optuna.create_study()
    study.add_trials(Known("case", SPACE, function).trials(n, 2, 0.02))
    return study


@pytest.fixture(scope="module")
def gated() -> Study:
    """A study in which the decay matters with dropout off only, best at a value that falls with the rate."""
    return _study(lambda u, _: 3 + (u[:, 0] == 0) * 4 * (u[:, 1] + u[:, 2] - 1) ** 2)


def test_a_verdict_names_what_depends_on_what(gated: Study) -> None:
    """Plain words say where a parameter matters, which way its best value moves, and what to search."""
    found = analyse(gated, compare=False)
    said = " ".join(verdict_in_words(found, views_of(found, SPACE, None, declared=False)))
    assert "matters where dropout is none and hardly where it is on" in said
    assert "its best value falls from" in said
    assert "Searched along decay * rate instead" in said or "Searched along rate * decay instead" in said


def test_a_part_of_the_space_is_analysed_alone(gated: Study) -> None:
    """Where dropout is on only its trials are taken, nothing matters, and the result says where."""
    found = analyse(gated, where={"dropout": "on"}, compare=False)
    assert found.table.trials == sum(trial.params["dropout"] == "on" for trial in gated.trials)
    assert found.importance.verdict == "no structure found"
    assert found.to_data()["where"] == {"dropout": "on"}
    said, missing = verdict_in_words(found, views_of(found, SPACE, None, declared=False))
    assert "show no structure" in said
    assert "20 are enough by the rule of ten" in missing


def test_scores_over_a_decade_are_compared_by_their_log() -> None:
    """Above zero and a factor of ten apart scores are analysed on the log scale, else as they are."""
    spread = _study(lambda u, _: np.exp(3 * u[:, 1]), n=16)
    assert main_scale(table_of(spread)) == "log"
    assert main_scale(table_of(_study(lambda u, _: np.exp(3 * u[:, 1]) - 2, n=16))) == "value"
    assert main_scale(table_of(_study(lambda u, _: 1 + u[:, 1], n=16))) == "value"
    found = analyse(spread, compare=False)
    assert found.what == "log objective"
    assert found.score(np.log(np.array([2.0]))) == pytest.approx([2.0])
