"""Random search spaces for property tests, and an oracle for which of their parameters exist."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

import optuna
from hypothesis import strategies as st
from optuna.samplers import RandomSampler

from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Prior, Value
from search_spaces.suggest import suggest

WORDS = st.text("abcno 1.e-'é", max_size=4)
VALUES = st.one_of(WORDS, st.booleans(), st.integers(-3, 3), st.floats(-2, 2, allow_subnormal=False))
# No part of a name is a branch, so no dotted name lies inside a branch by accident.
NAMES = st.sampled_from(["a", "b", "lr", "x.y", "a.b", "rate", "norm.place"])
BRANCHES = st.lists(
    st.sampled_from(["none", "on", "sgd", "adam", "no", "1"]), min_size=1, max_size=3, unique=True
)

Conditions = dict[str, frozenset[Value]]


@dataclass
class _Drawn:
    """What a space holds so far: of each choice its options and all that must hold for it to exist."""

    options: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    conditions: dict[str, Conditions] = field(default_factory=dict)
    keys: int = 0

    def new_key(self, section: str) -> str:
        self.keys += 1
        return f"{section}.key{self.keys}"


def _both(one: Conditions, other: Conditions) -> Conditions:
    return {
        name: one.get(name, other.get(name, frozenset())) & other.get(name, one.get(name, frozenset()))
        for name in {**one, **other}
    }


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """Draw a real range, now and then a single point, on either scale."""
    log = draw(st.booleans())
    numbers = st.floats(1e-6 if log else -100, 100, allow_subnormal=False)
    low, default, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    high = low if draw(st.integers(0, 9)) == 0 else high
    prior = draw(st.none() | st.builds(Prior, st.floats(0.1, 9), st.floats(0.1, 9)))
    return Float(low, high, log=log, default=min(default, high) if draw(st.booleans()) else None, prior=prior)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    """Draw a whole range, now and then a single point, on either scale."""
    log = draw(st.booleans())
    numbers = st.integers(1 if log else -20, 20)
    low, default, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return Int(low, high, log=log, default=default if draw(st.booleans()) else None)


@st.composite
def categoricals(draw: st.DrawFn) -> Categorical:
    """Draw a few values of mixed types."""
    choices = draw(st.lists(VALUES, min_size=1, max_size=4, unique=True))
    return Categorical(tuple(choices), default=draw(st.none() | st.sampled_from(choices)))


@st.composite
def spaces(draw: st.DrawFn) -> Group:
    """Draw a legal space: choices three deep, `when` over one or two of them, classes, constants."""
    return _group(draw, "", {}, _Drawn(), depth=0, class_path=None)


def _group(
    draw: st.DrawFn, prefix: str, conditions: Conditions, drawn: _Drawn, *, depth: int, class_path: str | None
) -> Group:
    children: dict[str, Node] = {}
    for name in draw(st.lists(NAMES, min_size=depth < 2, max_size=max(3 - depth, 1), unique=True)):
        children[name] = _node(draw, prefix + name, conditions, drawn, depth=depth)
    constants = draw(st.lists(VALUES | st.lists(VALUES, max_size=2), max_size=1))
    return Group(
        children, set={drawn.new_key("constants"): value for value in constants}, class_path=class_path
    )


def _node(draw: st.DrawFn, path: str, conditions: Conditions, drawn: _Drawn, *, depth: int) -> Node:
    when, own = _when(draw, conditions, drawn)
    target = drawn.new_key("model") if draw(st.booleans()) else None
    common: dict[str, Any] = {"when": when, "target": target, "why": draw(WORDS), "unit": draw(WORDS)}
    if depth == 3 or draw(st.booleans()):
        leaf: Node = draw(st.one_of(floats(), ints(), categoricals()))
        if isinstance(leaf, Categorical):
            drawn.options[path], drawn.conditions[path] = leaf.choices, own
        return changed(leaf, **common)
    branches = draw(BRANCHES)
    drawn.options[path], drawn.conditions[path] = tuple(branches), own
    groups = {}
    for branch in branches:
        class_path = "package.Class" if target and draw(st.booleans()) else None
        inside = {**own, path: frozenset([branch])}
        groups[branch] = _group(
            draw, f"{path}.{branch}.", inside, drawn, depth=depth + 1, class_path=class_path
        )
    return Choice(groups, default=draw(st.none() | st.sampled_from(branches)), **common)


def _when(
    draw: st.DrawFn, conditions: Conditions, drawn: _Drawn
) -> tuple[dict[str, tuple[Value, ...]], Conditions]:
    """Draw conditions on earlier choices, leaving out those that could not be met beside the others."""
    when: dict[str, tuple[Value, ...]] = {}
    if not drawn.options or draw(st.booleans()):
        return when, conditions
    for name in draw(st.lists(st.sampled_from(sorted(drawn.options)), max_size=2, unique=True)):
        options = drawn.options[name]
        allowed = draw(st.lists(st.sampled_from(options), min_size=1, unique=True))
        joint = _both(_both(conditions, drawn.conditions[name]), {name: frozenset(allowed)})
        if all(joint.values()):
            when[name], conditions = tuple(allowed), joint
    return when, conditions


def existing(group: Group, values: Mapping[str, Value], prefix: str = "") -> set[str]:
    """Name what exists beside `values`, read off the tree: the branch is taken, `when` holds."""
    names = set()
    for name, node in group.children.items():
        if all(other in values and values[other] in allowed for other, allowed in node.when.items()):
            path = prefix + name
            names.add(path)
            if isinstance(node, Choice) and path in values:
                taken = str(values[path])
                names |= existing(node.branches[taken], values, f"{path}.{taken}.")
    return names


def suggestions(space: Group, count: int, seed: int = 0) -> list[dict[str, Value]]:
    """Ask a random sampler for the values of `count` trials."""
    study = optuna.create_study(sampler=RandomSampler(seed=seed))
    return [suggest(study.ask(), space) for _ in range(count)]


def nodes(group: Group, prefix: str = "") -> dict[str, Node]:
    """List the nodes of a tree by full name."""
    found: dict[str, Node] = {}
    for name, node in group.children.items():
        found[prefix + name] = node
        for branch, inside in node.branches.items() if isinstance(node, Choice) else ():
            found |= nodes(inside, f"{prefix}{name}.{branch}.")
    return found


def rewritten(group: Group, edit: Callable[[str, Node], Node], prefix: str = "") -> Group:
    """Rebuild a tree with every node edited, its branches first."""
    children = {}
    for name, node in group.children.items():
        inner = node
        if isinstance(node, Choice):
            branches = {b: rewritten(g, edit, f"{prefix}{name}.{b}.") for b, g in node.branches.items()}
            inner = changed(node, branches=branches)
        children[name] = edit(prefix + name, inner)
    return changed(group, children=children)


def can_be(node: Node, value: Value) -> bool:
    """Say whether a node can have that value."""
    if isinstance(node, Float | Int):
        return type(value) is (int if isinstance(node, Int) else float) and node.low <= value <= node.high
    return value in (node.branches if isinstance(node, Choice) else node.choices)  # type: ignore[attr-defined]
