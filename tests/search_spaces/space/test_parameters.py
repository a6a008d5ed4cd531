"""The flat view: names, conditions, targets, defaults, and what cannot stand together."""

import pytest
from hypothesis import given

from search_spaces.errors import IllegalSpace
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Value
from search_spaces.space.parameters import default_of, default_values, find, parameters
from tests.search_spaces.strategies import can_be, existing, nodes, spaces

SGD = Group({"lr": Float(1e-3, 1.0, log=True), "nesterov": Categorical((False, True))}, class_path="p.SGD")
TREE = Group(
    {
        "optimizer": Choice(
            {"sgd": SGD, "none": Group({"why": Categorical(("a",), target="model.why")})}, target="optimizer"
        ),
        "dropout": Choice({"none": Group(), "on": Group({"deep": Choice({"x": Group({"n": Int(1, 2)})})})}),
        "dropout.rate": Float(0.0, 1.0, when={"dropout": ("on",)}),
        "max_norm": Float(1.0, 5.0, when={"optimizer": ("sgd",), "dropout": ("on",)}),
        "model.init_args.width": Int(8, 64),
        "free": Int(1, 2),
    }
)


def test_a_name_holds_a_branch_exactly_if_the_node_lies_inside() -> None:
    """Names, conditions and targets of a hand-written tree are these."""
    on, sgd = {"dropout": ("on",)}, {"optimizer": ("sgd",)}
    assert [(p.name, p.conditions, p.target) for p in parameters(TREE)] == [
        ("optimizer", {}, "optimizer"),
        ("optimizer.sgd.lr", sgd, "optimizer.init_args.lr"),
        ("optimizer.sgd.nesterov", sgd, "optimizer.init_args.nesterov"),
        ("optimizer.none.why", {"optimizer": ("none",)}, "model.why"),
        ("dropout", {}, None),
        ("dropout.on.deep", on, None),
        ("dropout.on.deep.x.n", {**on, "dropout.on.deep": ("x",)}, None),
        ("dropout.rate", on, None),
        ("max_norm", {**sgd, **on}, None),
        ("model.init_args.width", {}, "model.init_args.width"),
        ("free", {}, None),
    ]


def test_conditions_are_inherited_from_what_they_name() -> None:
    """A parameter depends on all that the choice in its `when` depends on."""
    space = Group(
        {
            "a": Categorical((1, 2, 3)),
            "b": Categorical(("x", "y"), when={"a": (2, 1)}),
            "c": Int(1, 2, when={"b": ("x",), "a": (2, 3)}),
        }
    )
    assert find(space, "b").conditions == {"a": (1, 2)}
    assert find(space, "c").conditions == {"a": (2,), "b": ("x",)}


@given(spaces())
def test_the_defaults_are_a_whole_configuration(space: Group) -> None:
    """The defaults name exactly what exists beside them, each within its range, a declared one unchanged."""
    values = default_values(space)
    tree = nodes(space)
    assert set(values) == existing(space, values)
    for name, value in values.items():
        assert can_be(tree[name], value)
        declared = getattr(tree[name], "default")  # noqa: B009 - every kind of node has one, `Node` itself has not
        assert declared in (None, value)


@given(spaces())
def test_what_is_chosen_is_kept_and_the_rest_follows(space: Group) -> None:
    """Chosen values replace defaults, and the parameters of their branches come with them."""
    tree = nodes(space)
    last = {
        name: (list(node.branches) if isinstance(node, Choice) else list(node.choices))[-1]
        for name, node in tree.items()
        if isinstance(node, Choice | Categorical)
    }
    values = default_values(space, last)
    assert set(values) == existing(space, values)
    assert all(values[name] == value for name, value in last.items() if name in values)


@pytest.mark.parametrize(
    ("node", "default"),
    [
        (Float(0.0, 4.0), 2.0),
        (Float(1e-4, 1e-2, log=True), 1e-3),
        (Float(0.0, 4.0, default=1.0), 1.0),
        (Float(-1.7e308, 1.7e308), 0.0),
        (Int(1, 4), 2),
        (Int(1, 100, log=True), 10),
        (Int(7, 7), 7),
        (Categorical((3, 1, 2)), 3),
        (Categorical((False, True), default=1), True),
        (Choice({"b": Group(), "a": Group()}), "b"),
        (Choice({"b": Group(), "a": Group()}, default="a"), "a"),
    ],
)
def test_a_default_is_declared_first_or_in_the_middle(node: Node, default: Value) -> None:
    """Without a declared default it is the first option, or the middle of the range on its scale."""
    assert default_of(node) == (pytest.approx(default) if isinstance(node, Float) else default)
    assert type(default_of(node)) is type(default)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (Group({"a": Int(1, 2, when={"b": ("x",)})}), ["a exists when b", "['x']", "earlier choice"]),
        (
            Group({"a": Int(1, 2, when={"b": ("x",)}), "b": Categorical(("x",))}),
            ["a exists when b", "no parameter of that name stands before it", "earlier choice"],
        ),
        (
            Group({"b": Categorical(("x",)), "a": Int(1, 2, when={"b": ("y",)})}),
            ["a exists when b is 'y'", "only be one of ['x']"],
        ),
        (
            Group({"b": Int(1, 2), "a": Int(1, 2, when={"b": (1,)})}),
            ["a exists when b", "b is a range", "name a choice"],
        ),
        (
            Group({"b": Choice({"x": Group({"a": Int(1, 2, when={"b": ("y",)})}), "y": Group()})}),
            ["b.x.a can never exist", "nothing that b can be", "`when`"],
        ),
        (
            Group(
                {
                    "a": Categorical((1, 2)),
                    "b": Categorical(("x",), when={"a": (1,)}),
                    "c": Int(1, 2, when={"b": ("x",), "a": (2,)}),
                }
            ),
            ["c can never exist", "nothing that a can be"],
        ),
        (
            Group({"a": Choice({"x": Group({"n": Int(1, 2)})}), "a.x.n": Int(1, 2)}),
            ["Two parameters are called 'a.x.n'", "rename one"],
        ),
        (
            Group({"a": Int(1, 2, target="model.x"), "b": Int(1, 2, target="model.x")}),
            ["b and a can exist together", "both fill model.x", "`target`", "`when`"],
        ),
        (
            Group({"o": Choice({"sgd": SGD}, target="optimizer"), "optimizer.init_args.lr": Float(0.1, 1.0)}),
            ["both fill optimizer.init_args.lr"],
        ),
        (Group(class_path="p.C"), ["A space is no class", "p.C"]),
    ],
    ids=[
        "unknown",
        "later",
        "option",
        "range",
        "branch",
        "through another",
        "name",
        "target",
        "class",
        "root",
    ],
)
def test_a_tree_that_contradicts_itself_is_refused(space: Group, words: list[str]) -> None:
    """Nothing is listed of a space whose nodes cannot stand together, and the message says which and why."""
    with pytest.raises(IllegalSpace) as error:
        parameters(space)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_two_parameters_may_fill_one_key_in_turn() -> None:
    """Parameters of different branches share a target, for never do both exist."""
    sgd, adam = ({"o": ("sgd",)}, {"o": ("adam",)})
    space = Group(
        {
            "o": Categorical(("sgd", "adam")),
            "a": Float(0.1, 1.0, target="model.x", when=sgd),
            "b": Float(0.1, 1.0, target="model.x", when=adam),
        }
    )
    assert [parameter.target for parameter in parameters(space)] == [None, "model.x", "model.x"]
