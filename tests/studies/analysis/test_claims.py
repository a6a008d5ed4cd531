"""What the analysis claims of studies that are not smooth, followed on the functions that they came from."""

import numpy as np
import optuna
import pytest

from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int
from studies.analysis.findings.coordinates import find_coordinates
from studies.analysis.findings.drift import drift_of
from studies.analysis.findings.narrowing import narrower_ranges
from studies.analysis.findings.near_best import idle_parameters, look_near_best
from studies.analysis.findings.range_ends import boundaries
from studies.analysis.observations.of_study import analyse
from studies.analysis.observations.table import WORST, observations
from studies.analysis.shares.evidence import Prediction
from studies.analysis.shares.importance import fit_table, measure_importance
from studies.analysis.shares.tree import tree_of
from studies.analysis.views import views_of
from studies.analysis.words import verdict_in_words
from studies.surrogate.totals import total_effects
from studies.trials.outcomes import Outcome
from tests.studies.analysis import drawn_functions
from tests.studies.analysis import drawn_studies as drawn
from tests.studies.analysis import known_functions as known
from tests.studies.analysis.drawn_truth import read_axes, truth_of
from tests.studies.analysis.known_functions import Known


def _said(case: Known, trials: list[optuna.trial.FrozenTrial]) -> str:
    study = optuna.create_study()
    study.add_trials(trials)
    found = analyse(study, compare=False)
    return " ".join(verdict_in_words(found, views_of(found, case.space, None, declared=False)))


@pytest.mark.parametrize("seed", range(3))
def test_a_narrow_gate_keeps_its_total(seed: int) -> None:
    """A parameter that matters in a narrow range, and only with another, has the total that it truly has."""
    case = drawn_functions.gate(seed)
    fitted = fit_table(observations(drawn.run(case, 150, seed), case.space))
    found, names = total_effects(fitted.surrogate, 0), fitted.surrogate.domain.names
    for name, total in truth_of(case).total.items():
        assert found.total[names.index(name)] / found.variance == pytest.approx(total, abs=0.05)


@pytest.mark.parametrize("kind", ["plateau", "cliff", "steps"])
def test_a_wrong_share_is_never_called_good(kind: str) -> None:
    """Where the confidence is good shares are near the exact ones, on functions that are not smooth."""
    case = drawn_functions.KINDS[kind](1)
    result = measure_importance(observations(drawn.run(case, 100, 1), case.space), seed=1)
    assert result.evidence.has_structure
    main, total, pairs = truth_of(case).error(
        {effect.names[0]: effect.share for effect in result.main},
        {effect.names[0]: effect.total.share for effect in result.main},
        {frozenset(effect.names): effect.share for effect in result.pairs},
    )
    assert result.evidence.confidence == "low" or (main <= 0.07 and pairs <= 0.08 and total <= 0.1)


def test_an_option_that_few_trials_took_lowers_the_confidence() -> None:
    """Of a branch that is half of the space, and which 3 of 60 trials took, nothing is claimed."""
    space = Group({"c": Choice({"a": Group({"x": Float(0.0, 1.0)}), "b": Group()}), "y": Float(0.0, 1.0)})
    case = Known("starved", space, lambda u, a: np.where(a[:, 1], 2 * u[:, 1], 0.0) + u[:, 2])
    result = measure_importance(observations(drawn.run(case, 60, 0, rare=0.05), space))
    assert result.evidence.confidence == "low"
    assert any("c is a in 3 of 60 trials" in doubt for doubt in result.evidence.doubts)


@pytest.mark.parametrize("seed", range(3))
def test_a_few_wild_scores_hide_nothing(seed: int) -> None:
    """Three scores in a hundred that are 30 deviations off are left out and named."""
    case = drawn_functions.plateau(seed)
    table = observations(drawn.run(case, 100, seed, drawn.NOISES["outliers"]), case.space)
    fitted = fit_table(table)
    assert len(fitted.outliers) == 3
    assert np.ptp(fitted.loss) < 10 * case.function(*drawn_functions.uniform(case, 512)).std()


def test_a_rare_good_region_is_no_outlier() -> None:
    """Scores far better than all others stay where the trials around them say the same."""
    case = Known(
        "rare", known.flat(2), lambda u, _: -5 * np.exp(-(((u[:, 0] - 0.5) / 0.05) ** 2)) + 0.3 * u[:, 1]
    )
    assert fit_table(observations(drawn.run(case, 150, 0), case.space)).outliers == ()


@pytest.mark.parametrize("told", ["FAIL", "inf", "1e10"])
def test_trials_that_do_not_work_count_however_they_are_told(told: str) -> None:
    """A configuration that does not work counts as the worst one, and the table says so."""
    trials, case = drawn.failing(drawn_functions.smooth(4), 80, 4, share=0.35, told=told)
    table = observations(trials, case.space, failed_as_worst=None)
    broken = [trial.value is None or trial.value > 1e9 for trial in trials]
    assert table.trials == len(trials)
    assert np.all(table.loss[broken] == table.loss[np.logical_not(broken)].max())
    assert table.counts[Outcome.FAILED if told == "FAIL" else Outcome.DIVERGED] == sum(broken)
    assert told == "inf" or str(sum(broken)) in table.notes[0]


def test_failures_by_bad_luck_are_left_out() -> None:
    """Trials that fail at random say nothing of their configurations."""
    case, luck = drawn_functions.smooth(5), np.random.default_rng(1).random(100) < 0.3
    failed = optuna.trial.TrialState.FAIL
    trials = [
        optuna.trial.create_trial(params=t.params, distributions=t.distributions, state=failed) if bad else t
        for t, bad in zip(drawn.run(case, 100, 5), luck, strict=True)
    ]
    table = observations(trials, case.space, failed_as_worst=None)
    assert table.trials == 100 - luck.sum()
    assert WORST not in table.policy
    assert "depends on no parameter" in table.notes[0]


@pytest.mark.parametrize("speed", [None, 0])
def test_a_pruned_trial_is_as_sure_as_its_curve(speed: int | None) -> None:
    """Inferred scores lie within three deviations of the truth, near it where all trials learn alike."""
    case = drawn_functions.smooth(7)
    table = observations(drawn.pruned(case, 120, 7, 0.6, speed=speed), case.space)
    truth = case.function(table.coordinates, table.active)
    rows = np.array([outcome is Outcome.PRUNED for outcome in table.outcomes])
    error, deviation = np.abs(table.loss - truth)[rows], np.sqrt(table.variance[rows])
    assert np.mean(error <= 3 * deviation + 0.1 * truth.std()) >= 0.8
    if speed is None:
        assert np.median(error) < 0.1 * truth.std()


@pytest.mark.parametrize(("kind", "seed", "named"), [("narrow", 3, 0), ("narrow", 6, 0), ("smooth", 2, 1)])
def test_what_decides_among_the_good_is_not_left_alone(kind: str, seed: int, named: int) -> None:
    """In a narrow good region others decide: they are not idle, though next to no variance is theirs."""
    case = drawn_functions.KINDS[kind](seed)
    table = observations(drawn.run(case, 120, seed), case.space)
    fitted = fit_table(table)
    result = measure_importance(table, fitted=fitted)
    read = {table.domain.names[axis] for axis in read_axes(case)}
    idle = idle_parameters(table, result, fitted, look_near_best(table, fitted))
    assert not set(idle) & read
    assert len(idle) >= named


@pytest.mark.parametrize("seed", range(4))
def test_noise_widens_no_range(seed: int) -> None:
    """Where nothing matters the best trials lie at an end by luck, of whole numbers often."""
    space = Group({f"k{i}": Int(1, 5) for i in range(6)})
    luck = np.random.default_rng(seed)
    case = Known("noise", space, lambda u, _: luck.standard_normal(len(u)))
    table = observations(drawn.run(case, 50, seed, drawn.NOISES["none"]), space)
    assert boundaries(table, fit_table(table)) == ()


@pytest.mark.parametrize("power", [0.0, 0.7])
def test_a_drift_is_told_only_where_there_is_one(power: float) -> None:
    """A bowl that gets steeper has no drift; one that moves has, and its interval holds where it lies."""
    case = Known(
        "bowl",
        known.flat(2, log=True),
        lambda u, _: (0.5 + u[:, 1]) * (u[:, 0] - 0.5 - power * (u[:, 1] - 0.5)) ** 2,
    )
    drift = drift_of(fit_table(observations(drawn.run(case, 100, 0), case.space)), "x1", "x2")
    assert drift.moves is (power > 0)
    for place in drift.ends:
        at = 1 + np.log10(drift.values[place]) / 4
        truth = 10 ** (4 * (0.5 + power * (at - 0.5)) - 4)
        assert drift.low[place] / 1.3 <= truth <= drift.high[place] * 1.3


@pytest.mark.parametrize("seed", range(3))
def test_a_kink_that_stays_where_it_is_has_no_drift(seed: int) -> None:
    """A best value that lies at a kink, which the surrogate smooths, is not told to move."""
    draw = np.random.default_rng(seed)
    place, steeper = draw.uniform(0.3, 0.7), draw.uniform(1.0, 3.0)
    case = Known(
        "kink",
        known.flat(3),
        lambda u, _: (1 + steeper * u[:, 1]) * np.abs(u[:, 0] - place) * (1 + u[:, 0]) + 0.3 * u[:, 2],
    )
    fitted = fit_table(observations(drawn.run(case, 100, seed), case.space))
    assert not drift_of(fitted, "x1", "x2").moves


def test_what_hardly_matters_somewhere_has_no_drift_to_there() -> None:
    """Behind a gate that is closed a parameter has no best value, so none moves there."""
    case = Known(
        "gate",
        known.flat(2),
        lambda u, _: np.exp(-(((u[:, 0] - 0.9) / 0.15) ** 2)) * (u[:, 1] - 0.2) ** 2,
    )
    drift = drift_of(fit_table(observations(drawn.run(case, 120, 0), case.space)), "x2", "x1")
    assert not drift.moves


def test_a_saddle_has_no_better_coordinate() -> None:
    """A sum that fits on the old box is no reason to search another one, where the pair still interacts."""
    case = Known("saddle", known.flat(2, log=True), lambda u, _: (u[:, 0] - 0.5) * (u[:, 1] - 0.5))
    found = find_coordinates(fit_table(case.table(80, 0, 0.02)), ("x1", "x2"))
    assert max(candidate.removed for candidate in found.candidates) < 0.3


@pytest.mark.parametrize(("power", "formula"), [(-0.5, "x1 / sqrt(x2)"), (2.0, "x1 * x2^2")])
def test_a_ridge_is_told_by_its_power(power: float, formula: str) -> None:
    """A score along `first * second ** power` names that combination, whatever the power."""
    case = Known(
        "ridge", known.flat(2, log=True), lambda u, _: (u[:, 0] + power * u[:, 1] - (1 + power) / 2) ** 2
    )
    found = find_coordinates(fit_table(case.table(80, 0, 0.02)), ("x1", "x2"))
    assert found.slope == pytest.approx(power, abs=0.15)
    assert found.offered is not None
    assert found.offered.formula == formula


def test_no_interaction_is_told_as_a_result() -> None:
    """Where no pair interacts the verdict says so, and how large one would have been seen."""
    said = _said(known.ADDITIVE, known.ADDITIVE.trials(64, 0, 0.05))
    assert "No two parameters interact: a pair of more than" in said


def test_a_three_way_effect_is_named() -> None:
    """Three parameters that matter only together are named together."""
    case = Known("three", known.flat(4), lambda u, _: np.prod(2 * u[:, :3] - 1, axis=1))
    said = _said(case, case.trials(120, 0, 0.05))
    assert "act together: beyond single parameters and pairs" in said
    assert {"x1", "x2", "x3"} <= set(said.split(" act together")[0].replace(",", " ").split())


def test_what_has_one_value_is_not_ranked() -> None:
    """A parameter that is fixed varied nowhere, so it has no share."""
    space = Group({"x": Float(0.0, 1.0), "kind": Categorical(("only",)), "k": Int(3, 3)})
    result = measure_importance(Known("fixed", space, lambda u, _: u[:, 0]).table(30, 0, 0.05))
    assert [effect.names for effect in result.main] == [("x",)]
    assert result.pairs == ()


def test_a_branch_stands_under_its_choice() -> None:
    """The pair of a choice and its own parameter is that parameter's: `1[A] 2x` has .6 and .4."""
    choice, child = tree_of(measure_importance(known.CONDITIONAL.table(80, 0, 0.02)), 0.005)
    assert (choice.effect.names, choice.depth) == (("c",), 0)
    assert (child.effect.names, child.depth) == (("c.A.x",), 1)
    assert child.own.share == pytest.approx(0.4, abs=0.04)
    assert choice.own.share == pytest.approx(0.6, abs=0.04)


@pytest.mark.parametrize(
    ("r2", "errors", "structure"),
    [(0.9, 9.0, "yes"), (0.2, 4.0, "yes"), (0.2, 1.0, "no"), (0.35, 0.5, "no"), (0.01, 5.0, "no")],
)
def test_structure_is_what_luck_does_not_explain(r2: float, errors: float, structure: str) -> None:
    """A little that is surely predicted is a structure; much that a few trials make is none."""
    assert Prediction(r2, errors).has_structure is (structure == "yes")


@pytest.mark.parametrize("kind", ["smooth", "narrow", "cliff"])
def test_a_narrower_range_holds_the_best_configuration(kind: str) -> None:
    """What is left of the space holds a score as good as the best of many points of the whole space."""
    case = drawn_functions.KINDS[kind](3)
    table = observations(drawn.run(case, 100, 3), case.space)
    fitted = fit_table(table)
    parts = narrower_ranges(table, fitted, look_near_best(table, fitted))
    places, active = drawn_functions.uniform(case, 2**14)
    scores = case.function(places, active)
    inside = places.copy()
    for part in parts:
        column = table.domain.names.index(part.name)
        inside[:, column] = part.low + places[:, column] * (part.high - part.low)
    reach = np.quantile(scores, 0.25) - scores.min()
    assert case.function(inside, active).min() <= scores.min() + 0.01 * reach
    assert parts or kind == "cliff"
