"""Spaces out of spaces: narrow a range, fix a value, add or replace a parameter. Each returns a new space."""

from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from difflib import get_close_matches
from typing import Any

from search_spaces.errors import IllegalSpace
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Value
from search_spaces.space.parameters import find, options, parameters

# From a full name and its node to the new node, or to None, which removes it.
_Edit = Callable[[str, Node], Node | None]


def narrow(
    space: Group,
    name: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[Value] | None = None,
    default: Value | None = None,
) -> Group:
    """Shrink one parameter: a numeric range by `low` and `high`, a choice by the `choices` that stay.

    A default that falls outside moves to the nearest number inside, or to the first choice that stays.
    Parameters that can no longer exist disappear.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the new range is not inside the old one, or is of the wrong kind.
    """
    node = find(space, name).node
    if isinstance(node, Float | Int):
        if choices is not None:
            raise IllegalSpace(f"{name} is a range; narrow it by `low` and `high`, not by `choices`.")
        return _with_node(space, name, _narrow_range(name, node, low, high, default))
    if low is not None or high is not None:
        raise IllegalSpace(f"{name} is a choice; narrow it by `choices: [...]`, not by `low` and `high`.")
    kept = options(node) if choices is None else _some_options(name, node, choices)
    return _keep_branches(space, name, kept, default)


def fix(space: Group, name: str, value: Value) -> Group:
    """Leave one parameter a single `value`; its name, its conditions and what it writes stay as they are.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the parameter cannot take that value.
    """
    if isinstance(find(space, name).node, Float | Int):
        number = _number(name, "value", value)
        return narrow(space, name, low=number, high=number, default=number)
    return narrow(space, name, choices=[value], default=value)


def extend(space: Group, name: str, node: Node | Group) -> Group:
    """Add a parameter, or, with a `Group`, a branch to an existing choice.

    The node is put inside a branch exactly if its name starts with that branch's path
    (`optimizer.adamw.eps`); a branch is named by its choice and its own name (`optimizer.lion`).

    Raises:
        IllegalSpace: the name is taken, or a branch is added to what is no choice.
    """
    known = {parameter.name: parameter.node for parameter in parameters(space)}
    if isinstance(node, Group):
        owner, _, last = name.rpartition(".")
        choice = known.get(owner)
        if not isinstance(choice, Choice) or last in choice.branches:
            raise IllegalSpace(
                f"{name!r} is a branch, so {owner or name!r} must be a choice without a branch of that name; "
                f"for a parameter write `low` and `high`, or `choices`."
            )
        return _with_node(space, owner, changed(choice, branches={**choice.branches, last: node}))
    if name in known:
        raise IllegalSpace(f"The space holds {name!r} already; use `replace` to give it another range.")
    branches = [
        (owner, branch)
        for owner, choice in known.items()
        if isinstance(choice, Choice)
        for branch in choice.branches
        if name.startswith(f"{owner}.{branch}.")
    ]
    if not branches:
        return _checked(changed(space, children={**space.children, name: node}))
    owner, branch = max(branches, key=lambda place: len(place[0]))  # the innermost
    choice = known[owner]
    assert isinstance(choice, Choice)  # only choices were listed
    inside = choice.branches[branch]
    grown = changed(inside, children={**inside.children, name.removeprefix(f"{owner}.{branch}."): node})
    return _with_node(space, owner, changed(choice, branches={**choice.branches, branch: grown}))


def replace(space: Group, name: str, node: Node) -> Group:
    """Put another node in a parameter's place; target, condition and words stay unless `node` has its own.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the result contradicts itself.
    """
    old = find(space, name).node
    kept: dict[str, Any] = {
        key: getattr(old, key)
        for key in ("when", "target", "unit", "why", "source")
        if not getattr(node, key)
    }
    return _with_node(space, name, changed(node, **kept))


def combine(*groups: Group) -> Group:
    """Put several groups side by side in one; what each writes is written.

    Raises:
        IllegalSpace: two groups use a name twice or write one key differently, or one stands for a class.
    """
    whole = Group()
    for group in groups:
        for name in group.children:
            if name in whole.children:
                raise IllegalSpace(
                    f"Two of the combined groups hold {name!r}; a name must be used once, rename one."
                )
        for key, constant in group.set.items():
            if whole.set.get(key, constant) != constant:
                raise IllegalSpace(
                    f"Two of the combined groups set {key}, to {whole.set[key]!r} and to {constant!r}; "
                    f"leave one out."
                )
        if group.class_path is not None:
            raise IllegalSpace(
                f"{group.class_path} is a class, so its group can only be a branch of a choice."
            )
        whole = Group({**whole.children, **group.children}, set={**whole.set, **group.set})
    return _checked(whole)


def _narrow_range(
    name: str, node: Float | Int, low: float | None, high: float | None, default: Value | None
) -> Float | Int:
    new_low = node.low if low is None else _number(name, "low", low)
    new_high = node.high if high is None else _number(name, "high", high)
    if not node.low <= new_low <= new_high <= node.high:
        raise IllegalSpace(
            f"{name} ranges over {node.low:g} .. {node.high:g} and can only be narrowed within it, "
            f"but got {new_low:g} .. {new_high:g}; use `replace` to widen it."
        )
    kept: float | None
    if default is not None:
        kept = _number(name, "default", default)
        if not new_low <= kept <= new_high:
            raise IllegalSpace(
                f"The default of {name} must lie in {new_low:g} .. {new_high:g}, but got {kept:g}; "
                f"move it inside."
            )
    else:
        kept = None if node.default is None else min(max(node.default, new_low), new_high)
    if isinstance(node, Float):
        kept = None if kept is None else float(kept)
        return changed(node, low=float(new_low), high=float(new_high), default=kept)
    for bound in (new_low, new_high, kept):
        if isinstance(bound, float):
            raise IllegalSpace(
                f"{name} is a range of whole numbers, but got {bound!r}; write a whole number."
            )
    return changed(node, low=new_low, high=new_high, default=kept)  # type: ignore[arg-type] # are whole


def _number(name: str, part: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IllegalSpace(f"{name} is a range, so its {part} must be a number, but got {value!r}.")
    return value


def _some_options(name: str, node: Node, choices: Sequence[Value]) -> tuple[Value, ...]:
    possible = options(node)
    if isinstance(choices, str) or not choices or any(value not in possible for value in choices):
        wrong = (
            [value for value in choices if value not in possible] if isinstance(choices, list | tuple) else []
        )
        names = [option for option in possible if isinstance(option, str)]
        near = get_close_matches(str(wrong[0]), names, n=1) if wrong else []
        hint = f"did you mean {near[0]}?" if near else "use `extend` or `replace` for another choice."
        raise IllegalSpace(
            f"{name} can be narrowed to a list of some of {list(possible)}, but got {choices!r}; {hint}"
        )
    return tuple(value for value in possible if value in choices)


def _keep_branches(space: Group, name: str, kept: tuple[Value, ...], default: Value | None) -> Group:
    """Leave the choice called `name` the options in `kept`, and drop what cannot exist without the others."""
    if default is not None and default not in kept:
        raise IllegalSpace(
            f"The default of {name} must be one of {list(kept)}, but got {default!r}; pick one of them."
        )
    impossible = {
        parameter.name
        for parameter in parameters(space)
        if name in parameter.conditions and not any(value in kept for value in parameter.conditions[name])
    }

    def edit(path: str, node: Node) -> Node | None:
        if path in impossible:
            return None
        if path == name:
            return _with_options(node, kept, default)
        if name in node.when:
            when = {**node.when, name: tuple(value for value in node.when[name] if value in kept)}
            return changed(node, when=when)
        return node

    return _checked(_rebuild(space, edit))


def _with_options(node: Node, kept: tuple[Value, ...], default: Value | None) -> Node:
    assert isinstance(node, Choice | Categorical)  # ranges have no options
    wanted = node.default if default is None else default
    # The option itself, not what merely equals it: a study file may write 1 for 1.0.
    new_default: Any = next((value for value in kept if value == wanted), None)
    if isinstance(node, Categorical):
        return changed(node, choices=kept, default=new_default)
    branches = {branch: inside for branch, inside in node.branches.items() if branch in kept}
    return changed(node, branches=branches, default=new_default)


def _with_node(space: Group, name: str, new: Node) -> Group:
    return _checked(_rebuild(space, lambda path, node: new if path == name else node))


def _rebuild(group: Group, edit: _Edit, prefix: str = "") -> Group:
    """Apply `edit` to every node of `group`, a choice before what its branches hold."""
    children: dict[str, Node] = {}
    for name, node in group.children.items():
        edited = edit(prefix + name, node)
        if isinstance(edited, Choice):
            branches = {
                branch: _rebuild(inside, edit, f"{prefix}{name}.{branch}.")
                for branch, inside in edited.branches.items()
            }
            edited = changed(edited, branches=branches)
        if edited is not None:
            children[name] = edited
    return changed(group, children=children)


def _checked(space: Group) -> Group:
    parameters(space)
    return space
