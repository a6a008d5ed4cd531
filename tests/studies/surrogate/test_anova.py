"""The closed form of the surrogate's effects, and the engine for any function."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from search_spaces.space.nodes import Choice, Float, Group, Int
from studies.analysis.shares.posterior import posterior_shares
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import domain_of
from studies.surrogate.gaussian_process import Surrogate, fit, points_of
from studies.surrogate.integration import decompose, quasi_random
from studies.surrogate.kernel import ABSENT, ConditionalKernel
from studies.surrogate.likelihood import Hyperparameters, Likelihood
from studies.surrogate.totals import total_effects
from tests.studies.analysis import known_functions as known


def test_the_engine_gives_the_indices_of_ishigami() -> None:
    """Quasi-random integration agrees with the formulas of Ishigami and Homma 1990 within a thousandth."""
    v1, v2, v13 = (1 + 0.1 * np.pi**4 / 5) ** 2 / 2, 49 / 8, 0.01 * np.pi**8 * (1 / 18 - 1 / 50)
    exact = np.array([v1, v2, 0, v13]) / (v1 + v2 + v13)
    found = known.ISHIGAMI.shares(2**14)
    names = [("x1",), ("x2",), ("x3",), ("x1", "x3")]
    assert [found[name] for name in names] == pytest.approx(exact, abs=1e-3)
    total = decompose(known.ISHIGAMI.function, domain_of(known.ISHIGAMI.space)).total
    assert [total["x1"], total["x2"], total["x3"]] == pytest.approx(
        [exact[0] + exact[3], exact[1], exact[3]], abs=1e-3
    )


def test_the_engine_integrates_inactive_parameters_out() -> None:
    """1[A] 2x has .6 for the choice, .2 for x and .2 for both together."""
    found = known.CONDITIONAL.shares(2**14)
    assert list(found.values()) == pytest.approx([0.6, 0.2, 0.2], abs=1e-3)


@pytest.fixture(scope="module")
def nested() -> Surrogate:
    """A surrogate on a space with gates within gates, a whole number and conditions over two choices."""
    space = Group({
        "c": Choice({
            "A": Group({
                "x": Float(0.0, 1.0),
                "m": Choice({"p": Group({"w": Float(1e-3, 1.0, log=True)}), "q": Group()}),
            }),
            "B": Group({"z": Int(1, 5)}),
            "C": Group(),
        }),
        "e": Choice({"u": Group(), "v": Group(), "w": Group()}),
        "y": Float(0.0, 1.0, when={"c": ("A", "B"), "e": ("u", "v")}),
    })  # fmt: skip
    domain = domain_of(space)
    coordinates = quasi_random(domain, 64, 3)
    active = domain.active(coordinates)
    loss = np.where(active[:, 1], 2 * coordinates[:, 1], 0.5) + np.where(
        active[:, 3], coordinates[:, 3] * coordinates[:, 1], 0.2
    )
    loss += (
        np.where(active[:, 6], np.sin(3 * coordinates[:, 6]) * (1 + coordinates[:, 5]), 0)
        + (coordinates[:, 0] == 1) * coordinates[:, 4]
    )
    return fit(domain, points_of(coordinates, active), loss, np.zeros(64), steps=25)


def test_the_closed_form_agrees_with_quasi_random_integration(nested: Surrogate) -> None:
    """The shares of the surrogate's mean are those that the engine measures on its predictions."""
    closed = posterior_shares(nested, structures_of(nested.domain, 0), 2, 0).share
    engine = decompose(lambda c, a: nested.mean(points_of(c, a)), nested.domain, points=2**11)
    names = nested.domain.names
    for members, share in closed.items():
        pair = tuple(names[d] for d in members)
        measured = engine.main[pair[0]] if len(pair) == 1 else engine.pairs[pair]
        assert share == pytest.approx(measured, abs=0.02)


def test_total_shares_are_those_of_the_engine(nested: Surrogate) -> None:
    """What a parameter explains with its interactions is what the engine measures on the predictions."""
    engine = decompose(lambda c, a: nested.mean(points_of(c, a)), nested.domain, points=2**11, seed=4)
    found = total_effects(nested, 0)
    assert list(found.total / found.variance) == pytest.approx(list(engine.total.values()), abs=0.02)


def test_an_inactive_coordinate_is_never_read(nested: Surrogate) -> None:
    """Whatever stands where a parameter does not exist, the covariance is the same."""
    coordinates = quasi_random(nested.domain, 32, 5)
    active = nested.domain.active(coordinates)
    other = np.where(active, coordinates, 0.123)
    np.testing.assert_array_equal(
        *(nested.kernel.between(points_of(at, active), nested.points) for at in (coordinates, other))
    )


def test_the_kernel_averages_to_zero_over_each_axis(nested: Surrogate) -> None:
    """All but the constant integrates to nothing over an axis, whatever the others are."""
    space = known.flat(3)
    axes = domain_of(space).axes
    kernel = ConditionalKernel(
        axes, np.array([0.5, 1.0, 2.0]), np.array([0.2, 0.5, 1.0]), np.array([0.7, 0.3])
    )
    line = np.column_stack([axes[0].nodes, np.full(24, 0.3), np.full(24, 0.8)])
    other = np.array([[0.1, 0.9, 0.4, 1, 1, 1]])
    without = ConditionalKernel(axes, np.array([ABSENT, 1.0, 2.0]), kernel.lengths, kernel.interactions)
    averaged = axes[0].weights @ kernel.between(points_of(line, np.ones_like(line, dtype=bool)), other)
    assert averaged == pytest.approx(
        without.between(points_of(line[:1], np.ones((1, 3), dtype=bool)), other)[0], abs=1e-12
    )


def test_the_gradient_is_the_derivative_of_the_likelihood(nested: Surrogate) -> None:
    """The gradient by the logs of the hyperparameters agrees with finite differences, left out axes too."""
    points = nested.points[::2]
    loss = np.random.default_rng(0).standard_normal(len(points))
    likelihood = Likelihood(nested.domain, points, loss, np.linspace(0.0, 0.3, len(points)))
    logs = np.log(np.r_[0.7, 0.3, np.linspace(0.2, 0.9, 7), np.linspace(0.5, 2, 7), 0.1])
    for left_out in ([], [0, 4]):
        logs[Hyperparameters(logs, 7).variances.start + np.array(left_out, dtype=int)] = np.log(ABSENT) - 1
        value, gradient = likelihood(logs)
        numeric = approx_fprime(logs, lambda at: likelihood(at)[0], 1e-6)
        assert gradient == pytest.approx(numeric, abs=1e-4)
    assert value == pytest.approx(_by_scipy(nested, logs, points, loss), abs=1e-6)


def _by_scipy(nested: Surrogate, logs: np.ndarray, points: np.ndarray, loss: np.ndarray) -> float:
    covariance = Hyperparameters(logs, 7).kernel(nested.domain).between(points, points)
    noise = 0.1 + np.linspace(0.0, 0.3, len(points))
    return -float(multivariate_normal(cov=covariance + np.diag(noise)).logpdf(loss))
