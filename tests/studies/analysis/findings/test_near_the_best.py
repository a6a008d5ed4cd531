"""What is said of the good configurations, against brute force on the functions."""

import numpy as np
import optuna
import pytest

from search_spaces.space.nodes import Categorical, Float, Group
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.findings.fixing import cost_of_fixing
from studies.analysis.findings.functions import doubt_near_best
from studies.analysis.findings.good_region import good_region
from studies.analysis.findings.near_best import look_near_best
from studies.analysis.findings.tied import near_the_best
from studies.analysis.observations.of_study import StudyAnalysis, analyse
from studies.analysis.shares.importance import fit_table
from studies.surrogate.domain import coordinate, domain_of, value_at
from tests.studies.analysis.drawn_functions import KINDS
from tests.studies.analysis.findings.near_best_truth import loss_of_fixing, shares_of_best_tenth
from tests.studies.analysis.known_functions import Known

# A rate decides over the whole space; of what is good the width decides, and two of three kinds are level.
GATED = Known(
    "gated",
    Group({"rate": Float(0.0, 1.0), "width": Float(0.0, 1.0), "kind": Categorical(("a", "b", "c"))}),
    lambda u, _: 4 * np.maximum(np.abs(u[:, 0] - 0.4) - 0.3, 0) + 1 + 0.5 * u[:, 1] + 0.3 * (u[:, 2] == 2),
)
PLATEAU = Known("plateau", GATED.space, lambda u, _: 1 + np.maximum(np.abs(u[:, 0] - 0.4) - 0.3, 0))


def _analysed(
    case: Known, trials: int, seed: int, noise: float, direction: str = "minimize"
) -> StudyAnalysis:
    study = optuna.create_study(direction=direction)
    sign = 1.0 if direction == "minimize" else -1.0
    for trial in case.trials(trials, seed, noise):
        trial.value = sign * (trial.value or 0.0)
        study.add_trial(trial)
    return analyse(study, compare=False)


@pytest.fixture(scope="module")
def gated() -> StudyAnalysis:
    """The analysis of 120 trials of `GATED`."""
    return _analysed(GATED, 120, 0, 0.05)


@pytest.mark.parametrize("kind", ["smooth", "branches"])
def test_shares_near_the_best_are_those_of_the_function(kind: str) -> None:
    """On functions drawn at random the mean error is under .05, and nine of ten intervals hold the truth."""
    errors, held = [], []
    for seed in range(40, 42):
        case = KINDS[kind](seed)
        table = case.table(160, seed, 0.05)
        fitted = fit_table(table)
        region = good_region(fitted, look_near_best(table, fitted))
        for truth, said in zip(shares_of_best_tenth(case), (region.main, region.total), strict=True):
            errors += [abs(truth[name] - said[name].share) for name in truth]
            held += [
                said[name].low - 1e-3 <= truth[name] <= said[name].high + 1e-3
                for name in truth
                if truth[name] > 0.01
            ]
    assert np.mean(errors) <= 0.05
    assert np.mean(held) >= 0.85


def test_what_matters_over_all_is_not_said_to_matter_near_the_best(gated: StudyAnalysis) -> None:
    """A rate that only decides whether training works matters less there than the width does."""
    near = near_the_best(gated)
    assert near is not None
    over_all = {effect.names[0]: effect.total for effect in gated.importance.main}
    assert over_all["rate"] is not None
    assert over_all["rate"].share > 0.6
    assert not near.unclear
    assert near.region.total["width"].share > near.region.total["rate"].share


def test_where_all_that_is_good_is_alike_no_share_is_told() -> None:
    """On a plateau the good configurations differ by noise only, and that is what is said."""
    near = near_the_best(_analysed(PLATEAU, 100, 0, 0.05))
    assert near is not None
    assert "is not told" in near.unclear
    assert near.to_data()["main"] == []


def test_level_options_are_tied_and_a_worse_one_is_not(gated: StudyAnalysis) -> None:
    """Of three options two are as good, and the third costs more than the noise hides."""
    near = near_the_best(gated)
    assert near is not None
    (tied,) = near.tied
    assert (tied.name, set(tied.options), tied.others) == ("kind", {"a", "b"}, ("c",))
    assert 0 <= tied.apart < 0.1
    assert "are tied" in tied.in_words()


def test_what_fixing_loses_is_what_the_function_loses() -> None:
    """Of drawn functions, fixed at a place drawn, nearly every interval holds the loss."""
    missed, errors = 0, []
    for seed in range(40, 43):
        case, random = KINDS["branches"](seed), np.random.default_rng(seed)
        found, domain = _analysed(case, 160, seed, 0.05), domain_of(case.space)
        axis = domain.axes[int(random.integers(len(domain.axes)))]
        place = float(random.choice(axis.nodes))
        true, reach = loss_of_fixing(case, {axis.name: place})
        said = cost_of_fixing(found, {axis.name: value_at(axis, place)})
        errors.append(abs(said.loss - true) / reach)
        missed += not said.low - 0.005 * reach <= true <= said.high + 0.005 * reach
    assert np.mean(errors) < 0.05
    assert missed <= 1


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_loss_is_positive_whatever_the_direction(direction: str) -> None:
    """Fixing the worst option loses its .3 in the metric's unit, of a score that is to grow as well."""
    found = _analysed(GATED, 120, 0, 0.05, direction)
    cost = cost_of_fixing(found, {"kind": "c"})
    assert cost.loss == pytest.approx(0.3, abs=0.06)
    assert cost.low <= 0.3 <= cost.high
    assert cost.low > 0
    assert (cost.fixed > cost.best) is (direction == "minimize")
    assert cost.in_words().startswith("With kind = c the best expected objective is")


def test_nothing_is_lost_where_the_best_is_fixed(gated: StudyAnalysis) -> None:
    """A level option loses nothing that the trials show, and the sentence says so."""
    cost = cost_of_fixing(gated, {"kind": "a"})
    assert cost.low == 0
    assert "do not show that anything is lost" in cost.in_words()


def test_pure_noise_has_no_cost() -> None:
    """Where no structure is found nothing is said of a best score, or of what is near it."""
    noise = Known("noise", GATED.space, lambda u, _: np.random.default_rng(5).standard_normal(len(u)))
    found = _analysed(noise, 60, 0, 0.0)
    assert near_the_best(found) is None
    with pytest.raises(NothingToAnalyse, match="no structure"):
        cost_of_fixing(found, {"kind": "a"})


def test_a_value_outside_the_analysed_part_is_refused(gated: StudyAnalysis) -> None:
    """A parameter that the analysis does not have cannot be fixed."""
    with pytest.raises(NothingToAnalyse, match="outside the part"):
        cost_of_fixing(gated, {"kind": "z"})
    assert coordinate(gated.fitted.surrogate.domain.axes[0], "z") is None


def test_intervals_near_the_best_know_how_far_the_surrogate_is_wrong_there() -> None:
    """A narrow good region is missed by more than the surrogate says, a smooth function by as much."""
    narrow, smooth = (KINDS[kind](10).table(160, 10, 0.05) for kind in ("narrow", "smooth"))
    assert doubt_near_best(fit_table(narrow)) > 1.3
    assert 1.0 <= doubt_near_best(fit_table(smooth)) < 1.2
