"""The fingerprint says what a space means, and nothing else."""

from dataclasses import replace as changed
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.catalogue.recipes import quick
from search_spaces.errors import IllegalSpace
from search_spaces.space.fingerprint import fingerprint
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Prior
from search_spaces.space.parameters import parameters
from tests.search_spaces.strategies import nodes, rewritten, spaces


def _reworded(_: str, node: Node) -> Node:
    when = {name: tuple(reversed(allowed)) for name, allowed in reversed(list(node.when.items()))}
    node = changed(node, when=when, why="other words", unit="other unit", source="elsewhere")
    if isinstance(node, Categorical):
        return changed(node, choices=tuple(reversed(node.choices)), default=None)
    if isinstance(node, Choice):
        return changed(node, branches=dict(reversed(list(node.branches.items()))), default=None)
    assert isinstance(node, Float | Int)
    return changed(node, default=None, prior=Prior(1.5, 0.5))


def _reordered(space: Group) -> Group:
    turned = changed(space, children=dict(reversed(list(space.children.items()))))
    try:
        parameters(turned)
    except IllegalSpace:  # a condition would come before its choice
        return space
    return turned


@given(spaces())
def test_order_defaults_and_words_do_not_count(space: Group) -> None:
    """A space rewritten in another order, with other defaults, priors and words, keeps its fingerprint."""
    assert fingerprint(_reordered(rewritten(space, _reworded))) == fingerprint(space)


@given(spaces(), st.data())
def test_every_change_of_meaning_counts(space: Group, data: st.DataObject) -> None:
    """Another range, option, scale, target, constant or class of any one node gives another fingerprint."""
    name = data.draw(st.sampled_from(sorted(nodes(space))))
    other = data.draw(st.sampled_from(_others(nodes(space)[name])))

    def edit(path: str, node: Node) -> Node:
        return other if path == name else node

    assert fingerprint(rewritten(space, edit)) != fingerprint(space)


def _others(node: Node) -> list[Node]:
    others = [changed(node, target="other.key")]
    if isinstance(node, Categorical):
        return [*others, changed(node, choices=(*node.choices, "another"))]
    if isinstance(node, Choice):
        name, branch = next(iter(node.branches.items()))
        written = changed(branch, set={**branch.set, "other.key": 1})
        another = Group(set={"other.key": 1})
        return [
            *others,
            changed(node, branches={**node.branches, name: written}),
            changed(node, branches={**node.branches, "another": another}),
        ]
    assert isinstance(node, Float | Int)
    wider: Any = {"high": node.high + 1}
    return [*others, changed(node, **wider), Categorical((1, 2), target=node.target, when=node.when)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Group({"a": Float(1, 2)}), Group({"a": Float(1.0, 2.0)})),
        (Group({"a": Choice({"x": Group(), "y": Group()})}), Group({"a": Categorical(("x", "y"))})),
        (Group({"model.a": Int(1, 2)}), Group({"model.a": Int(1, 2, target="model.a")})),
        (
            Group({"a": Categorical((1, 2)), "b": Int(1, 2, when={"a": (1, 2)})}),
            Group({"a": Categorical((1, 2)), "b": Int(1, 2)}),
        ),
        (
            Group({"a": Categorical((True, False)), "b": Int(1, 2, when={"a": (1,)})}),
            Group({"a": Categorical((True, False)), "b": Int(1, 2, when={"a": (True, True)})}),
        ),
        (
            Group({"a": Choice({"x": Group({"n": Int(1, 2)}), "y": Group()})}),
            Group(
                {"a": Choice({"x": Group(), "y": Group()}), "a.x.n": Int(1, 2, when={"a": ("x",)})},
            ),
        ),
    ],
    ids=[
        "whole bounds",
        "empty branches",
        "implied target",
        "every option",
        "equal options",
        "inside or when",
    ],
)
def test_two_ways_to_say_one_thing_have_one_fingerprint(one: Group, other: Group) -> None:
    """Spaces that ask for the same values and write them alike have the same fingerprint."""
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    "other",
    [
        Group({"a": Int(1, 9)}),
        Group({"a": Float(1, 9, log=True)}),
        Group({"a": Float(1, 8)}),
        Group({"a": Float(0.5, 9)}),
        Group({"b": Float(1, 9)}),
        Group({"a": Categorical((1, 9))}),
        Group({"a": Float(1, 9)}, set={"k": 1}),
    ],
    ids=["whole", "log", "high", "low", "name", "kind", "constant"],
)
def test_every_part_of_a_range_counts(other: Group) -> None:
    """Kind, scale, bounds, name and constants each make another space."""
    assert fingerprint(other) != fingerprint(Group({"a": Float(1, 9)}))


def test_a_constant_is_told_by_its_type() -> None:
    """True, 1 and 1.0 are equal to Python and not to a configuration."""
    assert len({fingerprint(Group(set={"k": value})) for value in (True, 1, 1.0, "1")}) == 4


def test_the_fingerprint_is_the_same_on_every_machine() -> None:
    """A fingerprint outlives its process: a stored study can be compared with it."""
    assert fingerprint(Group({"a": Float(0.5, 2.0, log=True)})) == "38c17bbeb60b3a17"
    assert fingerprint(quick()) == fingerprint(quick())
