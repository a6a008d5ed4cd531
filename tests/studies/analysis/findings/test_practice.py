"""What a practitioner looks at: ranges, buckets, course, path, rules, coordinates, scales."""

import numpy as np
import optuna
import pytest

from search_spaces.catalogue.rules import Shift
from search_spaces.space.nodes import Categorical, Choice, Float, Group
from search_spaces.space.parameters import default_values
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.findings.best_so_far import best_so_far
from studies.analysis.findings.buckets import isolate
from studies.analysis.findings.coordinates import find_coordinates
from studies.analysis.findings.gains.ablation import ablate
from studies.analysis.findings.range_ends import boundaries
from studies.analysis.findings.rules_of_thumb import judge
from studies.analysis.observations.scales import rescaled, scales_of, shares_on
from studies.analysis.shares.comparison import optuna_importances
from studies.analysis.shares.importance import fit_table
from studies.analysis.shares.projection import project
from tests.studies.analysis import known_functions as known
from tests.studies.analysis.known_functions import Known

SGD = Known(
    "sgd",
    Group({"lr": Float(1e-4, 1.0, log=True), "momentum": Float(0.0, 0.99)}),
    lambda u, _: (4 * u[:, 0] - 3 - np.log10(1 - 0.99 * u[:, 1])) ** 2,
)


def test_the_effective_learning_rate_is_found() -> None:
    """Where the score depends on lr / (1 - momentum) that ratio removes the interaction; the slope is -1."""
    found = find_coordinates(fit_table(SGD.table(64, 0, 0.02)), ("lr", "momentum"))
    assert found.candidates[0].formula == "lr / (1 - momentum)"
    assert found.candidates[0].removed > 0.85
    assert found.slope == pytest.approx(-1.0, abs=0.1)


def test_a_choice_has_no_product_with_a_range() -> None:
    """No combination is tried for what has no scale."""
    assert find_coordinates(fit_table(known.CONDITIONAL.table(40, 0)), ("c", "c.A.x")).candidates == ()


def test_a_projection_is_the_average_over_all_else() -> None:
    """On a branch the projection is the function there, averaged over all else, with a small deviation."""
    fitted = fit_table(known.CONDITIONAL.table(64, 0, 0.02))
    both = project(fitted, "c", "c.A.x")
    assert {row[0] for row in both.values} == {"A"}
    assert both.mean == pytest.approx([2 * row[1] for row in both.values], abs=0.05)
    assert np.all(both.deviation < 0.05)
    assert project(fitted, "c").mean == pytest.approx([1.0, 0.0], abs=0.03)


def test_parameters_of_two_branches_have_no_projection() -> None:
    """What never exists together is refused."""
    fitted = fit_table(known.PARALLEL.table(64, 0))
    with pytest.raises(NothingToAnalyse, match="never exist together"):
        project(fitted, "c.A.x", "c.B.x")


def test_a_range_whose_end_holds_the_best_trials_is_to_be_widened() -> None:
    """The best at the low end of four decades asks for a decade more there, and nowhere else."""
    case = Known("edge", known.flat(2, log=True), lambda u, _: u[:, 0] + (u[:, 1] - 0.5) ** 2)
    table = case.table(128, 0)
    (found,) = boundaries(table, fit_table(table))
    assert (found.name, found.at) == ("x1", "low")
    assert (found.low, found.high) == pytest.approx((1e-5, 1.0))


def test_buckets_hold_their_best_trial() -> None:
    """Each bucket knows its trials and their best score; a choice has a bucket for each option."""
    table = known.CONDITIONAL.table(64, 0)
    buckets = isolate(table, "c.A.x")
    assert sum(bucket.trials for bucket in buckets) == int(table.active[:, 1].sum())
    rows = (table.active[:, 1]) & (table.coordinates[:, 1] < 1 / 8)
    assert buckets[0].best == table.loss[rows].min()
    assert [bucket.low for bucket in isolate(table, "c")] == ["A", "B"]


def test_the_best_so_far_never_worsens_and_lies_in_its_band() -> None:
    """The course never rises for a minimized score, and ends inside the band of resampled studies."""
    table = SGD.table(64, 0)
    course = best_so_far(table)
    assert all(a >= b for a, b in zip(course.best, course.best[1:], strict=False))
    assert all(low <= high for low, high in zip(course.low, course.high, strict=True))
    assert course.low[-1] <= course.best[-1] <= course.high[-1]
    assert course == best_so_far(table)


def test_the_path_from_the_defaults_takes_the_largest_gain_first() -> None:
    """What matters most is changed first, a choice brings its branch, and the path ends at the goal."""
    space = Group(
        {
            "a": Float(0.0, 1.0, default=0.9),
            "b": Float(0.0, 1.0, default=0.9),
            "c": Choice({"off": Group(), "on": Group({"x": Float(0.0, 1.0)})}, default="off"),
        }
    )
    case = Known("path", space, lambda u, a: 4 * u[:, 0] + u[:, 1] + np.where(a[:, 3], u[:, 3] - 2, 0))
    end = {"a": 0.1, "b": 0.1, "c": "on", "c.on.x": 0.2}
    path = ablate(fit_table(case.table(100, 0, 0.01)), default_values(space), end)
    assert [step.name for step in path] == ["a", "c", "b"]
    assert [step.gain for step in path] == pytest.approx([3.2, 1.8, 0.8], abs=0.1)
    assert path[1].before == "off"


RULE = Shift("With the gate on x is larger.", "x", "g", "on", "off", 3.0, "this test")


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.5, "confirmed"), (-0.5, "contradicted"), (0.0, "untested")]
)
def test_a_rule_is_judged_by_where_the_optimum_moves(shift: float, verdict: str) -> None:
    """A rule is confirmed, contradicted or left open as the best value moves up, down or not at all."""
    space = Group({"x": Float(1e-4, 1.0, log=True), "g": Categorical(("off", "on"))})
    case = Known("rule", space, lambda u, _: (u[:, 0] - 0.5 - shift / 2 * (2 * u[:, 1] - 1)) ** 2)
    table = case.table(80, 0, 0.1)
    (found,) = judge(table, fit_table(table), rules=[RULE])
    assert found.verdict == verdict
    assert found.low <= 10 ** (4 * shift) * 1.5
    assert found.high >= 10 ** (4 * shift) / 1.5


def test_a_rule_without_trials_is_untested() -> None:
    """A rule is not judged on fewer than ten trials a side."""
    space = Group({"x": Float(1e-4, 1.0, log=True), "g": Categorical(("off", "on"))})
    table = Known("rule", space, lambda u, _: u[:, 0]).table(12, 0)
    (found,) = judge(table, fit_table(table), rules=[RULE])
    assert (found.verdict, found.factor) == ("untested", None)


def test_shares_on_another_scale_are_of_that_scale() -> None:
    """A product has pairs in its own unit and none in its log."""
    case = Known("exponential", known.flat(2), lambda u, _: np.exp(3 * u[:, 0] + 3 * u[:, 1]))
    table = case.table(80, 0)
    assert scales_of(table) == ("value", "log", "rank")
    assert shares_on(table, "value")["x1", "x2"] > 0.1
    assert shares_on(table, "log")["x1", "x2"] < 0.001
    assert np.all(np.argsort(rescaled(table, "rank").loss) == np.argsort(table.loss))


def test_optunas_evaluators_stand_beside_ours() -> None:
    """FANOVA covers what all trials have, PED-ANOVA every parameter."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna_importances(known.CONDITIONAL.trials(60, 0))
    assert set(found["fANOVA"]) == {"c"}
    assert set(found["PED-ANOVA"]) == {"c", "c.A.x"}
