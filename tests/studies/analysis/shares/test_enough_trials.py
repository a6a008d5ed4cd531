"""How many trials a space needs, and what is said where there are too few."""

import numpy as np
import optuna

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from studies.analysis.observations.of_study import analyse
from studies.analysis.shares.enough_trials import need_of
from studies.analysis.words import what_is_missing
from tests.studies.analysis.known_functions import Known, flat

HALF = Group(
    {
        "c": Choice({"a": Group({f"x{i}": Float(0.0, 1.0) for i in range(4)}), "b": Group()}),
        "y": Float(0.0, 1.0),
    }
)


def test_parameters_of_a_branch_count_as_often_as_they_exist() -> None:
    """Of six parameters four exist in half of the space, so four at a time need forty trials."""
    need = need_of(HALF)
    assert (need.parameters, need.together, need.trials) == (6, 4.0, 40)
    assert need.in_words(30).startswith("6 parameters (4 at a time) need some 40 trials, ten for each and ")
    assert need.in_words(40) == ""


def test_what_does_not_vary_needs_no_trial() -> None:
    """A parameter of one value counts for nothing, and a small space needs a few trials all the same."""
    assert need_of(Group({"x": Float(0.5, 0.5), "k": Categorical(("one",))})).trials == 20
    assert need_of(flat(1)).trials == 20


def _missing(parameters: int, trials: int) -> str:
    noise = Known("noise", flat(parameters), lambda u, _: np.random.default_rng(3).standard_normal(len(u)))
    study = optuna.create_study()
    study.add_trials(noise.trials(trials, 0))
    found = analyse(study, compare=False)
    assert not found.importance.evidence.has_structure
    return what_is_missing(found)


def test_trials_are_called_missing_only_where_they_are() -> None:
    """Of noise, too few trials are named with their number, and enough of them are not blamed."""
    assert "8 parameters need some 80 trials, ten for each and at least 20, and there are 40" in _missing(
        8, 40
    )
    assert "matters little beside the noise" in _missing(3, 60)
