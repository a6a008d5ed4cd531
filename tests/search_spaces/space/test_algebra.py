"""Narrowing, fixing, extending, replacing and combining spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.catalogue.optimizers import optimizer
from search_spaces.catalogue.recipes import quick
from search_spaces.errors import IllegalSpace, UnknownParameter
from search_spaces.space.algebra import combine, extend, fix, narrow, replace
from search_spaces.space.fingerprint import fingerprint
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Value
from search_spaces.space.parameters import default_values, find, parameters
from tests.search_spaces.strategies import can_be, existing, nodes, spaces, suggestions

SPACE = Group(
    {
        "a": Choice({"x": Group({"n": Int(1, 9, default=8)}), "y": Group(), "z": Group()}, default="z"),
        "b": Float(1.0, 2.0, when={"a": ("x", "y")}, why="a reason"),
        "c": Categorical((True, False), default=True, when={"a": ("y",)}),
    }
)


def _narrowed(data: st.DataObject, space: Group) -> tuple[Group, str]:
    name = data.draw(st.sampled_from(sorted(nodes(space))))
    node = nodes(space)[name]
    if isinstance(node, Float | Int):
        numbers = (
            st.floats(node.low, node.high) if isinstance(node, Float) else st.integers(node.low, node.high)
        )
        low, high = sorted(data.draw(st.tuples(numbers, numbers)))
        return narrow(space, name, low=low, high=high), name
    assert isinstance(node, Choice | Categorical)
    options = list(node.branches if isinstance(node, Choice) else node.choices)
    kept: list[Value] = data.draw(st.lists(st.sampled_from(options), min_size=1, unique=True))
    return narrow(space, name, choices=kept), name


@given(spaces(), st.data())
def test_narrowing_never_widens(space: Group, data: st.DataObject) -> None:
    """Whatever a narrowed space suggests, the original could have suggested, to the last parameter."""
    narrowed, _ = _narrowed(data, space)
    tree = nodes(space)
    for values in suggestions(narrowed, 5):
        assert set(values) == existing(space, values)
        assert all(can_be(tree[name], value) for name, value in values.items())


@given(spaces(), st.data())
def test_narrowing_keeps_all_that_can_still_exist(space: Group, data: st.DataObject) -> None:
    """What the original suggests within the narrowed range, the narrowed space can have as well."""
    narrowed, name = _narrowed(data, space)
    tree = nodes(narrowed)
    for values in suggestions(space, 10):
        if name not in values or can_be(tree[name], values[name]):
            assert existing(narrowed, values) == set(values)


@given(spaces(), st.data())
def test_a_narrowed_space_means_something_else(space: Group, data: st.DataObject) -> None:
    """Narrowing changes the fingerprint exactly if something went."""
    narrowed, name = _narrowed(data, space)
    before, after = nodes(space)[name], nodes(narrowed)[name]
    same = _extent(before) == _extent(after)
    assert (fingerprint(space) == fingerprint(narrowed)) is same


def _extent(node: Node) -> tuple[object, ...]:
    if isinstance(node, Float | Int):
        return (node.low, node.high)
    return tuple(node.branches if isinstance(node, Choice) else node.choices)  # type: ignore[attr-defined]


@given(spaces(), st.data())
def test_fixing_leaves_one_value(space: Group, data: st.DataObject) -> None:
    """A fixed parameter has its one value wherever it exists, also as the default."""
    values = data.draw(st.sampled_from(suggestions(space, 3)))
    name = data.draw(st.sampled_from(sorted(values)))
    fixed = fix(space, name, values[name])
    for suggested in [*suggestions(fixed, 5), default_values(fixed)]:
        assert suggested.get(name, values[name]) == values[name]


@given(spaces(), st.data())
def test_extending_puts_a_node_where_its_name_says(space: Group, data: st.DataObject) -> None:
    """A name that starts with a branch's path puts the node inside that branch, any other at the root."""
    places: dict[str, dict[str, str]] = {"": {}} | {
        f"{path}.{branch}.": {path: branch}
        for path, node in nodes(space).items()
        if isinstance(node, Choice)
        for branch in node.branches
    }
    prefix = data.draw(st.sampled_from(sorted(places)))
    extended = extend(space, f"{prefix}new", Int(1, 2))
    for values in suggestions(extended, 5):
        taken = all(values.get(path) == branch for path, branch in places[prefix].items())
        assert (f"{prefix}new" in values) is taken
    assert set(nodes(extended)) == {*nodes(space), f"{prefix}new"}


def test_narrowing_a_choice_drops_what_can_no_longer_exist() -> None:
    """Without its branch a parameter goes, a condition shrinks, and a default moves to what stays."""
    narrowed = narrow(SPACE, "a", choices=["x"])
    assert [parameter.name for parameter in parameters(narrowed)] == ["a", "a.x.n", "b"]
    assert find(narrowed, "b").node.when == {"a": ("x",)}
    assert default_values(narrowed)["a"] == "x"


def test_narrowing_drops_what_two_conditions_exclude_together() -> None:
    """A parameter goes whose own condition and that of its choice can no longer hold together."""
    space = Group(
        {
            "a": Categorical((1, 2, 3)),
            "c": Categorical(("y", "n"), when={"a": (1, 2)}),
            "p": Float(0.0, 1.0, when={"a": (2, 3), "c": ("y",)}),
        }
    )
    assert set(nodes(narrow(space, "a", choices=[1, 3]))) == {"a", "c"}


def test_a_default_moves_into_the_narrowed_range() -> None:
    """A default outside moves to the nearest number inside; one that is given stands."""
    assert default_values(narrow(SPACE, "a.x.n", high=5), {"a": "x"})["a.x.n"] == 5
    assert default_values(narrow(SPACE, "a.x.n", high=5, default=2), {"a": "x"})["a.x.n"] == 2


def test_an_equal_of_another_type_stands_for_the_option_itself() -> None:
    """Fixing a boolean at 1 leaves true, and fixing a real range at a whole number leaves a real number."""
    assert default_values(fix(SPACE, "c", 1), {"a": "y"})["c"] is True
    fixed = fix(SPACE, "b", 2)
    assert find(fixed, "b").node == Float(2.0, 2.0, default=2.0, when={"a": ("x", "y")}, why="a reason")
    assert type(default_values(fixed, {"a": "x"})["b"]) is float


def test_a_branch_can_be_added_to_a_choice() -> None:
    """A group is a new branch of the choice that its name names."""
    lion = Group({"lr": Float(1e-6, 1e-2, log=True)}, class_path="lion.Lion")
    extended = extend(optimizer(), "optimizer.lion", lion)
    assert find(extended, "optimizer.lion.lr").target == "optimizer.init_args.lr"
    assert find(extended, "optimizer.lion.lr").conditions == {"optimizer": ("lion",)}


def test_a_replaced_node_keeps_target_condition_and_words() -> None:
    """The range changes; what a parameter is for stays unless the new node says otherwise."""
    node = find(replace(SPACE, "b", Int(5, 6, unit="metres")), "b").node
    assert node == Int(5, 6, unit="metres", when={"a": ("x", "y")}, why="a reason")


def test_the_original_is_left_as_it_was() -> None:
    """Every function of the algebra returns a new space."""
    before = fingerprint(quick())
    space = quick()
    fix(narrow(space, "optimizer", choices=["sgd"]), "optimizer.sgd.nesterov", value=False)
    extend(replace(space, "norm.placement", Categorical(("pre",))), "optimizer.sgd.new", Int(1, 2))
    assert space == quick()
    assert fingerprint(space) == before


def test_combining_puts_children_and_constants_side_by_side() -> None:
    """A combined group holds what each of its parts holds."""
    whole = combine(Group({"a": Int(1, 2)}, set={"x.y": 1}), Group({"b": Int(1, 2)}, set={"x.y": 1, "z": 2}))
    assert whole == Group({"a": Int(1, 2), "b": Int(1, 2)}, set={"x.y": 1, "z": 2})


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: narrow(SPACE, "b", low=0.5), ["b ranges over 1 .. 2", "0.5 .. 2", "`replace`"]),
        (lambda: narrow(SPACE, "b", high=3.0), ["within", "1 .. 3"]),
        (lambda: narrow(SPACE, "b", low=1.8, high=1.2), ["within", "1.8 .. 1.2"]),
        (lambda: narrow(SPACE, "b", low=float("nan")), ["within", "nan"]),
        (lambda: narrow(SPACE, "b", low="1"), ["b is a range", "low must be a number", "'1'"]),  # type: ignore[arg-type]
        (lambda: narrow(SPACE, "b", low=True), ["low must be a number", "True"]),
        (lambda: narrow(SPACE, "b", choices=[1.0]), ["b is a range", "`low` and `high`", "`choices`"]),
        (lambda: narrow(SPACE, "b", low=1.5, default=1.2), ["default of b", "1.5 .. 2", "1.2"]),
        (lambda: narrow(SPACE, "a.x.n", low=1.5), ["a.x.n", "whole numbers", "1.5"]),
        (lambda: narrow(SPACE, "a", low=1), ["a is a choice", "`choices: [...]`"]),
        (lambda: narrow(SPACE, "a", choices=["x", "w"]), ["some of ['x', 'y', 'z']", "'w'", "`extend`"]),
        (lambda: narrow(SPACE, "a", choices=[]), ["some of ['x', 'y', 'z']", "[]"]),
        (lambda: narrow(SPACE, "a", choices="xyz"), ["a list of some of", "'xyz'"]),
        (lambda: narrow(SPACE, "a", choices=["x"], default="y"), ["default of a", "['x']", "'y'"]),
        (lambda: fix(SPACE, "b", "1.5"), ["b is a range", "must be a number", "'1.5'"]),
        (lambda: fix(SPACE, "a", "w"), ["a can be narrowed", "['w']"]),
        (lambda: extend(SPACE, "b", Int(1, 2)), ["'b' already", "`replace`"]),
        (lambda: extend(SPACE, "a.x", Group()), ["'a.x' is a branch", "'a' must be a choice without"]),
        (lambda: extend(SPACE, "b.x", Group()), ["'b' must be a choice"]),
        (lambda: extend(SPACE, "x", Group()), ["'x' must be a choice", "`low` and `high`"]),
        (lambda: extend(SPACE, "d", Int(1, 2, when={"e": ("x",)})), ["d exists when e", "earlier choice"]),
        (lambda: replace(SPACE, "a", Int(1, 2)), ["b exists when a", "a is a range"]),
        (lambda: replace(SPACE, "a", Categorical(("y",))), ["b exists when a is 'x'", "['y']"]),
        (lambda: combine(SPACE, Group({"b": Int(1, 2)})), ["hold 'b'", "used once"]),
        (lambda: combine(Group(set={"k": 1}), Group(set={"k": 2})), ["set k", "1 and to 2"]),
        (lambda: combine(Group(class_path="p.C")), ["p.C is a class", "branch of a choice"]),
    ],
)
def test_a_change_that_cannot_be_is_refused(act, words: list[str]) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """The message names the parameter, the rule and what was given."""
    with pytest.raises(IllegalSpace) as error:
        act()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """A misspelt parameter is refused with the name that was meant, and any other with all there are."""
    with pytest.raises(UnknownParameter, match=r"lrr'; did you mean optimizer\.adamw\.lr\?$"):
        narrow(quick(), "optimizer.adamw.lrr", low=1e-3)
    with pytest.raises(UnknownParameter, match=r"'123'; it holds a, a\.x\.n, b, c\."):
        fix(SPACE, "123", 1)
