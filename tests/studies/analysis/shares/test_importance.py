"""What the analysis says of functions whose shares are known."""

from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial
from scipy.linalg import solve_triangular

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from search_spaces.space.parameters import parameters
from studies.analysis.observations.table import observations
from studies.analysis.shares.importance import Importance, fit_table, measure_importance
from studies.surrogate.likelihood import solve
from tests.studies.analysis import known_functions as known
from tests.studies.analysis.known_functions import Known

Wide = tuple[Group, list[FrozenTrial], Importance]


def _shares(result: Importance) -> dict[frozenset[str], float | None]:
    return {frozenset(effect.names): effect.share for effect in (*result.main, *result.pairs)}


@pytest.mark.parametrize(
    ("case", "trials", "noise", "bar"),
    [
        (known.ISHIGAMI, 120, 0.05, 0.10),
        (known.VALLEY, 60, 0.0, 0.02),
        (known.CONDITIONAL, 120, 0.05, 0.03),
        (known.NULL_CONDITIONAL, 120, 0.05, 0.02),
        (known.random_conditional(47), 160, 0.05, 0.04),
    ],
    ids=lambda value: value.name if isinstance(value, Known) else None,
)
def test_shares_are_those_of_the_exact_function(case: Known, trials: int, noise: float, bar: float) -> None:
    """Every share of a parameter and of a pair is within the bar of the exact one; the benchmark has more."""
    found = _shares(measure_importance(case.table(trials, 11, noise), seed=11))
    for names, share in case.shares(2**14).items():
        assert found[frozenset(names)] == pytest.approx(share, abs=bar)


def test_an_additive_function_has_no_pairs() -> None:
    """Where parameters do not interact no pair is given more than a hundredth."""
    result = measure_importance(known.ADDITIVE.table(60, 3, 0.05))
    assert max(effect.share for effect in result.pairs) <= 0.01


def test_log_parameters_are_measured_in_log_units() -> None:
    """A function linear in the logs of two parameters, two to one, has shares .8 and .2."""
    found = _shares(measure_importance(known.LOG.table(120, 5, 0.05)))
    assert found[frozenset({"x1"})] == pytest.approx(0.8, abs=0.03)
    assert found[frozenset({"x2"})] == pytest.approx(0.2, abs=0.03)


def test_noise_gives_no_ranking() -> None:
    """Where nothing matters the verdict says so, and nothing has a share."""
    generator = np.random.default_rng(0)
    case = Known("noise", known.flat(4), lambda u, _: generator.standard_normal(len(u)))
    result = measure_importance(case.table(100, 0))
    assert result.verdict == "no structure found"
    assert result.evidence.cv_r2 <= 0.1
    assert {effect.share for effect in (*result.main, *result.pairs)} == {None}
    assert [effect.names[0] for effect in result.main] == ["x1", "x2", "x3", "x4"]


def test_a_constant_objective_has_no_structure() -> None:
    """A study whose trials all score alike is analysed without error."""
    case = Known("constant", known.flat(2), lambda u, _: np.full(len(u), 3.0))
    assert measure_importance(case.table(20, 0)).verdict == "no structure found"


def _described(
    result: Importance, rename: Callable[[str], str] = str
) -> dict[frozenset[str], tuple[float | None, ...]]:
    return {
        frozenset(map(rename, effect.names)): (effect.share, effect.low, effect.high, effect.trials)
        for effect in (*result.main, *result.pairs)
    }


@pytest.fixture(scope="module")
def wide() -> Wide:
    """A conditional space with two like branches and a choice, and its trials."""
    space = Group(
        {
            "a": Float(0.0, 1.0),
            "b": Float(1e-3, 1.0, log=True),
            "c": Choice({"p": Group({"x": Float(0.0, 1.0)}), "q": Group({"x": Float(0.0, 1.0)})}),
            "e": Categorical(("u", "v", "w")),
        }
    )
    case = Known(
        "wide",
        space,
        lambda u, a: np.sin(4 * u[:, 0]) * u[:, 1] + np.where(a[:, 3], u[:, 3], 0.3) + 0.3 * u[:, 5],
    )
    trials = case.trials(32, 1, 0.1)
    return space, trials, measure_importance(observations(trials, space), seed=2)


def test_the_order_of_trials_changes_nothing(wide: Wide) -> None:
    """Shuffled trials give the same result to the bit."""
    space, trials, before = wide
    shuffled = [trials[i] for i in np.random.default_rng(0).permutation(len(trials))]
    assert _described(measure_importance(observations(shuffled, space), seed=2)) == _described(before)


def test_the_names_of_parameters_change_nothing(wide: Wide) -> None:
    """Renamed and reordered parameters give the same shares, intervals and counts to the bit."""
    space, trials, before = wide
    new = {"a": "zeta", "b": "alpha", "c": "m", "e": "beta"}
    renamed_space = Group({new[name]: space.children[name] for name in ("e", "c", "b", "a")})
    renames = {
        p.name: ".".join([new[p.name.split(".")[0]], *p.name.split(".")[1:]]) for p in parameters(space)
    }
    renamed = [
        optuna.trial.create_trial(
            params={renames[name]: value for name, value in trial.params.items()},
            distributions={renames[name]: value for name, value in trial.distributions.items()},
            value=trial.value,
            user_attrs=trial.user_attrs,
        )
        for trial in trials
    ]
    after = measure_importance(observations(renamed, renamed_space), seed=2)
    assert _described(after) == _described(before, renames.__getitem__)


def _with_values(trials: list[FrozenTrial], change: Callable[[float], float]) -> list[FrozenTrial]:
    return [
        optuna.trial.create_trial(
            params=trial.params,
            distributions=trial.distributions,
            value=change(trial.value),
            user_attrs=trial.user_attrs,
        )
        for trial in trials
    ]


def test_an_affine_objective_changes_nothing(wide: Wide) -> None:
    """Another unit and zero of the objective give the same shares to 1e-6."""
    space, trials, before = wide
    after = measure_importance(observations(_with_values(trials, lambda y: 1234.5 * y - 77.7), space), seed=2)
    for names, numbers in _described(after).items():
        assert numbers == pytest.approx(_described(before)[names], abs=1e-6)


def test_the_direction_changes_nothing(wide: Wide) -> None:
    """Maximizing the negative is minimizing, to the bit."""
    space, trials, before = wide
    after = measure_importance(
        observations(_with_values(trials, lambda y: -y), space, minimize=False), seed=2
    )
    assert _described(after) == _described(before)


def test_every_parameter_says_how_many_trials_it_rests_on_and_where_it_exists(wide: Wide) -> None:
    """The JSON lists all parameters and all pairs with count and branch."""
    _, trials, result = wide
    data = result.to_data()
    main = {entry["name"]: entry for entry in data["main"]}
    assert set(main) == {"a", "b", "c", "c.p.x", "c.q.x", "e"}
    assert main["c.p.x"]["n"] == sum("c.p.x" in trial.params for trial in trials)
    assert main["c.p.x"]["when"] == [{"name": "c", "is": ["p"]}]
    assert main["a"]["when"] is None
    assert len(data["pairs"]) == 15
    never = next(entry for entry in data["pairs"] if set(entry["names"]) == {"c.p.x", "c.q.x"})
    assert never["n"] == 0
    assert never["share"] == pytest.approx(0.0, abs=1e-9)
    assert all(e["low"] <= e["share"] <= e["high"] for e in (*data["main"], *data["pairs"]))


def test_many_trials_are_all_used() -> None:
    """Written by 400 points, 500 trials predict what they predict as they are, and as surely."""
    fitted = fit_table(known.ISHIGAMI.table(500, 0, 0.1))
    surrogate, points = fitted.surrogate, fitted.points
    assert (len(points), len(surrogate.points)) == (500, 400)
    loss = (fitted.loss - surrogate.centre) / surrogate.scale
    kernel, noise = surrogate.kernel, np.full(500, surrogate.noise)
    exact = solve(kernel.between(points, points), loss, noise)
    places = points[::10]
    mean, covariance = surrogate.posterior(places)
    cross = solve_triangular(exact.cholesky, kernel.between(points, places), lower=True)
    assert mean == pytest.approx(kernel.between(places, points) @ exact.weights, abs=0.02)
    spread = np.diag(kernel.between(places, places) - cross.T @ cross)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(np.sqrt(spread), rel=0.1)
