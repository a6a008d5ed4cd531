"""Exploration: the same well-spread points whoever asks, through every branch of a space."""

import math
from collections import Counter

import pytest
from scipy.stats import kstest

from search_spaces.catalogue.registry import CATALOGUE, named_space
from search_spaces.space.nodes import Categorical, Float, Group, Int, Node, Value
from search_spaces.space.parameters import active_names, default_values, options, parameters
from studies.proposing.exploration import exploration_point, value_at

POINTS = 500


def points(space: Group, count: int = POINTS, seed: int = 0) -> list[dict[str, Value]]:
    """Give the first points of a study that explores."""
    return [exploration_point(space, index=index, seed=seed) for index in range(count)]


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_points_are_legal_and_cover_every_branch(name: str) -> None:
    """Of 500 points each holds what exists and nothing else, in its range; every branch occurs."""
    space = named_space(name)
    seen: dict[str, set[Value]] = {parameter.name: set() for parameter in parameters(space)}
    for values in points(space):
        assert set(values) == active_names(space, values)
        for taken, value in values.items():
            seen[taken].add(value)
    for parameter in parameters(space):
        node = parameter.node
        if isinstance(node, Float | Int):
            assert all(
                node.low <= value <= node.high for value in seen[parameter.name] if not isinstance(value, str)
            )
        else:
            assert seen[parameter.name] == set(options(node))


def test_the_first_point_is_the_defaults() -> None:
    """A study begins with the defaults of its space."""
    space = named_space("recipe.quick")
    assert exploration_point(space, index=0, seed=7) == default_values(space)


def test_points_do_not_depend_on_who_asked_before() -> None:
    """A point is the same alone, in reverse, and as the beginning of a longer study."""
    space = named_space("recipe.quick")
    forward = points(space, 40, seed=3)
    assert [exploration_point(space, index=index, seed=3) for index in reversed(range(40))] == forward[::-1]
    assert points(space, 300, seed=3)[:40] == forward


def test_another_seed_explores_other_points() -> None:
    """Two seeds share the defaults and nothing else."""
    space = named_space("recipe.quick")
    shared = [
        one == other for one, other in zip(points(space, 20, seed=0), points(space, 20, seed=1), strict=True)
    ]
    assert shared == [True] + [False] * 19


@pytest.mark.parametrize("log", [False, True])
def test_a_range_is_covered_evenly_on_its_scale(log: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Points are far more even on a range's own scale than random ones, whose p-value would be uniform."""
    rate = Float(1e-4, 1.0, log=log)
    found = [point["model.init_args.rate"] for point in points(Group({"model.init_args.rate": rate}))]
    assert kstest(shares(rate, found[1:]), "uniform").pvalue > 0.9999


def test_a_range_inside_a_branch_is_covered_evenly() -> None:
    """The learning rate of each optimizer is log-uniform among the points that take that optimizer."""
    space = named_space("recipe.quick")
    rates = {p.name: p.node for p in parameters(space) if p.name.endswith((".lr", ".lr_effective"))}
    assert len(rates) == 4
    for name, node in rates.items():
        assert isinstance(node, Float)
        assert node.log
        found = [point[name] for point in points(space)[1:] if name in point]
        assert len(found) > POINTS / 8
        assert kstest(shares(node, found), "uniform").pvalue > 0.05


def shares(node: Float, values: list[Value]) -> list[float]:
    """Give the share of a range that lies below each value, on the range's own scale."""
    scale = math.log if node.log else float
    low, high = scale(node.low), scale(node.high)
    return [(scale(float(value)) - low) / (high - low) for value in values]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Float(2.0, 4.0), [2.0, 3.0, 4.0]),
        (Float(1e-4, 1.0, log=True), [1e-4, 1e-2, 1.0]),
        (Int(1, 3), [1, 2, 3]),
        (Int(5, 5), [5, 5, 5]),
        (Categorical(("a", "b", "c")), ["a", "b", "c"]),
    ],
)
def test_a_quantile_lies_on_the_scale_of_its_node(node: Node, expected: list[Value]) -> None:
    """The lowest, the middle and the highest share give the ends and the middle of a range."""
    assert [value_at(node, share) for share in (0.0, 0.5, 1.0 - 1e-12)] == pytest.approx(expected)


def test_whole_numbers_are_equally_likely() -> None:
    """The ends of a whole range take as large a share as the numbers between."""
    counts = Counter(value_at(Int(1, 4), (n + 0.5) / 1000) for n in range(1000))
    assert counts == {1: 250, 2: 250, 3: 250, 4: 250}
