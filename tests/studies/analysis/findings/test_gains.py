"""What tuning gained, against brute force on the functions and by the definition of Shapley values."""

from itertools import combinations

import numpy as np
import optuna
import pytest

from search_spaces.space.nodes import Choice, Float, Group, Value
from search_spaces.space.notation import to_data
from search_spaces.space.parameters import default_values
from studies.analysis.findings.gains.between import game_of
from studies.analysis.findings.gains.worth import Worth, worth_of
from studies.analysis.observations.of_study import StudyAnalysis, analyse
from studies.database.identity import DEFINITION
from studies.surrogate.domain import domain_of
from tests.benchmarks.gains_acceptance import trials_of
from tests.studies.analysis.drawn_functions import KINDS
from tests.studies.analysis.findings.gains_truth import scores_at, true_gains
from tests.studies.analysis.known_functions import Known

# Of a branch that the defaults do not take; `y` matters on the other branch only.
BRANCHED = Known(
    "branched",
    Group(
        {
            "c": Choice(
                {
                    "A": Group({"y": Float(0.0, 1.0, default=0.9)}),
                    "B": Group({"x": Float(0.0, 1.0, default=0.8)}),
                }
            ),
            "z": Float(0.0, 1.0, default=0.5),
        }
    ),
    lambda u, a: np.where(a[:, 1], 1 + (u[:, 1] - 0.2) ** 2, 0.6 + (u[:, 2] - 0.3) ** 2) + 0.3 * u[:, 3],
)


def _study(case: Known, seed: int, *, direction: str = "minimize", change: float = 1.0) -> optuna.Study:
    study = optuna.create_study(direction=direction)
    study.set_user_attr(DEFINITION, {"space": to_data(case.space), "study": {"metric": "error"}})
    for trial in trials_of(case, seed):
        trial.value = change * (trial.value or 0.0)
        study.add_trial(trial)
    return study


def _worth(found: StudyAnalysis, best: dict[str, Value]) -> Worth:
    worth = worth_of(found, best)
    assert worth is not None
    return worth


@pytest.fixture(scope="module")
def branched() -> StudyAnalysis:
    """The analysis of trials of `BRANCHED`."""
    return analyse(_study(BRANCHED, 0), compare=False)


@pytest.mark.parametrize("kind", ["smooth", "branches"])
def test_gains_are_those_of_the_function(kind: str) -> None:
    """On drawn functions the mean error is under a twentieth of the gain, and intervals hold the truth."""
    errors, held = [], []
    for seed in range(60, 62):
        case = KINDS[kind](seed)
        study = _study(case, seed)
        best = dict(study.best_trial.params)
        said, truth = _worth(analyse(study, compare=False), best), true_gains(case, best)
        told = [(truth.whole, said.gain)]
        told += [(truth.parts[part.name], part.gain) for part in said.parts]
        told += [(truth.alone[part.name], part.alone) for part in said.parts]
        errors += [abs(gained.value - true) / truth.whole for true, gained in told]
        slack = 0.005 * truth.whole
        held += [gained.low - slack <= true <= gained.high + slack for true, gained in told]
    assert np.mean(errors) <= 0.05
    assert np.mean(held) >= 0.8


def test_parts_add_up_to_the_whole_gain(branched: StudyAnalysis) -> None:
    """Nothing of a gain is lost between the parameters, and nothing is told twice."""
    said = _worth(branched, {"c": "B", "c.B.x": 0.3, "z": 0.05})
    assert sum(part.gain.value for part in said.parts) == pytest.approx(said.gain.value, rel=1e-9)
    assert said.best < said.defaults


def test_a_parameter_of_a_branch_not_taken_has_no_part(branched: StudyAnalysis) -> None:
    """`y` exists beside the defaults only, so it can have gained nothing; `x` gains beside its branch."""
    said = {part.name: part for part in _worth(branched, {"c": "B", "c.B.x": 0.3, "z": 0.05}).parts}
    assert set(said) == {"c", "c.B.x", "z"}
    assert said["c.B.x"].default is None
    # Without the branch `x` gains nothing, with it .25; so half of that is its part, and half the choice's.
    assert said["c.B.x"].gain.value == pytest.approx(0.125, abs=0.02)
    assert said["c.B.x"].alone.value == pytest.approx(0.0, abs=0.02)
    assert said["z"].gain.value == pytest.approx(0.3 * 0.45, abs=0.02)


def test_a_gain_is_the_same_in_either_direction(branched: StudyAnalysis) -> None:
    """A score that is to grow gains as much as its negative that is to fall."""
    best: dict[str, Value] = {"c": "B", "c.B.x": 0.3, "z": 0.05}
    other = analyse(_study(BRANCHED, 0, direction="maximize", change=-1.0), compare=False)
    falls, grows = (_worth(each, best) for each in (branched, other))
    assert grows.gain.value == pytest.approx(falls.gain.value, rel=1e-6)
    assert grows.best == pytest.approx(-falls.best, rel=1e-6)
    assert [part.name for part in grows.parts] == [part.name for part in falls.parts]


def test_where_the_best_is_the_default_nothing_was_gained(branched: StudyAnalysis) -> None:
    """There is no player, so there is no gain to speak of."""
    assert worth_of(branched, default_values(BRANCHED.space)) is None


def test_a_gain_that_noise_explains_is_not_told_as_one(branched: StudyAnalysis) -> None:
    """What one parameter gains and another loses is no gain, and the sentence says so."""
    said = _worth(branched, {"c": "A", "c.A.y": 0.85, "z": 0.725})
    assert said.gain.low <= 0 <= said.gain.high
    assert "do not settle what tuning gained" in said.in_words()[0]


@pytest.mark.parametrize("count", [5, 11])
def test_shapley_values_are_those_of_the_formula(count: int) -> None:
    """Listed or drawn, single effects and halves of pairs come out exactly, as they do of such a game."""
    domain = domain_of(Group({f"x{i}": Float(0.0, 1.0) for i in range(count)}))
    game = game_of(domain, dict.fromkeys(domain.names, 0.9), 0)
    random = np.random.default_rng(0)
    single = random.standard_normal(count)
    pairs = {both: random.standard_normal() for both in combinations(range(count), 2)}
    gains = game.coalitions @ single + sum(
        weight * game.coalitions[:, i] * game.coalitions[:, j] for (i, j), weight in pairs.items()
    )
    expected = [
        single[d] + sum(weight / 2 for both, weight in pairs.items() if d in both) for d in range(count)
    ]
    assert game.weights @ gains == pytest.approx(expected, abs=1e-9)


def test_brute_force_reads_the_function_itself() -> None:
    """The oracle agrees with a gain that can be worked out by hand."""
    truth = true_gains(BRANCHED, {"c": "B", "c.B.x": 0.3, "z": 0.05})
    start, end = scores_at(
        BRANCHED, [{"c": "A", "c.A.y": 0.9, "z": 0.5}, {"c": "B", "c.B.x": 0.3, "z": 0.05}]
    )
    assert truth.whole == pytest.approx(start - end)
    assert truth.parts["c.B.x"] == pytest.approx(0.125)
