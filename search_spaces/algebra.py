"""Spaces out of spaces: narrow a range, fix a value, add or replace a parameter. Each returns a new space."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from functools import partial
from typing import Any

from search_spaces.errors import IllegalSpace
from search_spaces.parameters import find, options, parameters
from search_spaces.space import Categorical, Choice, Float, Group, Int, Node, Value, When

_Edit = Callable[[Node], Node]


def narrow(space: Group, name: str, *, low: float | None = None, high: float | None = None,
           choices: Sequence[Value] | None = None, default: Value | None = None) -> Group:  # fmt: skip
    """Shrink one parameter: a numeric range by `low` and `high`, a choice by the `choices` that stay.

    A default that falls outside moves to the nearest value inside. Parameters that can no longer exist disappear.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the new range is not inside the old one, or is of the wrong kind.
    """
    node = find(space, name).node
    if isinstance(node, Float | Int):
        if choices is not None:
            raise IllegalSpace(f"{name} is a range; narrow it by `low` and `high`, not by `choices`.")
        narrowed: Node = _narrow_range(name, node, low, high, default)
    else:
        if low is not None or high is not None:
            raise IllegalSpace(f"{name} is a choice; narrow it by `choices: [...]`, not by `low` and `high`.")
        narrowed = _narrow_choice(name, node, choices if choices is not None else options(node), default)
    return _without_impossible(_edit(space, name, lambda _: narrowed))


def fix(space: Group, name: str, value: Value) -> Group:
    """Leave one parameter a single `value`; its name, its conditions and what it writes stay as they are.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the parameter cannot take that value.
    """
    if isinstance(find(space, name).node, Float | Int):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise IllegalSpace(f"{name} is a range and can be fixed at a number only, but got {value!r}.")
        return narrow(space, name, low=value, high=value, default=value)
    return narrow(space, name, choices=[value], default=value)


def extend(space: Group, name: str, node: Node | Group) -> Group:
    """Add a parameter, or, with a `Group`, a branch to an existing choice.

    The node is put inside a branch exactly if its name starts with that branch's path (`optimizer.adamw.eps`); a branch is named
    by its choice and its own name (`optimizer.lion`).

    Raises:
        IllegalSpace: the name is taken, or a branch is added to what is no choice.
    """
    known = {parameter.name: parameter.node for parameter in parameters(space)}
    owner, _, last = name.rpartition(".")
    if isinstance(node, Group):
        choice = known.get(owner)
        if not isinstance(choice, Choice) or last in choice.branches:
            raise IllegalSpace(
                f"{name!r} is a branch, so {owner or name!r} must be a choice without a branch of that name; "
                f"for a parameter write `low` and `high`, or `choices`."
            )
        grown = changed(choice, branches={**choice.branches, last: node})
        return _checked(_edit(space, owner, lambda _: grown))
    if name in known:
        raise IllegalSpace(f"The space holds {name!r} already; use `replace` to give it another range.")
    return _checked(_insert(space, name, node))


def replace(space: Group, name: str, node: Node) -> Group:
    """Put another node in a parameter's place; its target, condition and words stay unless `node` gives its own.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the result contradicts itself.
    """
    old = find(space, name).node
    kept: dict[str, Any] = {
        key: getattr(old, key) for key in ("when", "target", "unit", "why", "source") if not getattr(node, key)
    }
    return _checked(_edit(space, name, lambda _: changed(node, **kept)))


def combine(*groups: Group) -> Group:
    """Put several groups side by side in one; what each writes is written."""
    whole = Group()
    for group in groups:
        for name in group.children:
            if name in whole.children:
                raise IllegalSpace(f"Two of the combined groups hold {name!r}; a name must be used once.")
        whole = Group({**whole.children, **group.children}, set={**whole.set, **group.set})
    return _checked(whole)


def _narrow_range(name: str, node: Float | Int, low: float | None, high: float | None, default: Value | None) -> Node:
    new_low, new_high = (node.low if low is None else low), (node.high if high is None else high)
    if not node.low <= new_low <= new_high <= node.high:
        raise IllegalSpace(
            f"{name} ranges over {node.low:g} .. {node.high:g} and can only be narrowed within it, "
            f"but got {new_low:g} .. {new_high:g}; use `replace` to widen it."
        )
    wanted = node.default if default is None else default
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int | float)):
        raise IllegalSpace(f"{name} is a range, so its default must be a number, but got {wanted!r}.")
    if default is not None and not new_low <= wanted <= new_high:  # type: ignore[operator] # a number: checked above
        raise IllegalSpace(f"{name}: default={default} must lie in {new_low:g} .. {new_high:g}.")
    kept = None if wanted is None else min(max(wanted, new_low), new_high)
    if isinstance(node, Int):
        return changed(node, low=new_low, high=new_high, default=kept)  # type: ignore[arg-type] # Int checks itself
    return changed(node, low=float(new_low), high=float(new_high), default=kept if kept is None else float(kept))


def _narrow_choice(name: str, node: Node, choices: Sequence[Value], default: Value | None) -> Node:
    possible = options(node)
    unknown = [value for value in [*choices, *([] if default is None else [default])] if value not in possible]
    if unknown or not choices:
        raise IllegalSpace(f"{name} can be narrowed to some of {list(possible)}, but got {unknown[0] if unknown else []!r}.")
    assert isinstance(node, Choice | Categorical)  # noqa: S101 - the caller has dealt with ranges
    kept = tuple(value for value in possible if value in choices)
    new_default = default if default is not None else (node.default if node.default in kept else None)
    if isinstance(node, Categorical):
        return changed(node, choices=kept, default=new_default)
    branches = {str(branch): node.branches[str(branch)] for branch in kept}
    return changed(node, branches=branches, default=None if new_default is None else str(new_default))


def _edit(group: Group, name: str, edit: _Edit | None) -> Group:
    """Return `group` with the node called `name` edited, or removed where `edit` is None."""
    children: dict[str, Node] = {}
    for key, node in group.children.items():
        if key == name:
            if edit is not None:
                children[key] = edit(node)
            continue
        branch, rest = _branch_of(key, node, name)
        children[key] = node if branch is None else _with_branch(node, branch, partial(_edit, name=rest, edit=edit))
    return changed(group, children=children)


def _insert(group: Group, name: str, node: Node) -> Group:
    for key, existing in group.children.items():
        branch, rest = _branch_of(key, existing, name)
        if branch is not None:
            edited = _with_branch(existing, branch, partial(_insert, name=rest, node=node))
            return changed(group, children={**group.children, key: edited})
    return changed(group, children={**group.children, name: node})


def _branch_of(key: str, node: Node, name: str) -> tuple[str | None, str]:
    """Split `name` into the branch of `node` that it lies in and the rest, or give None where it lies elsewhere."""
    if isinstance(node, Choice) and name.startswith(f"{key}."):
        branch, _, rest = name[len(key) + 1 :].partition(".")
        if branch in node.branches and rest:
            return branch, rest
    return None, ""


def _with_branch(node: Node, branch: str, edit: Callable[[Group], Group]) -> Node:
    assert isinstance(node, Choice)  # noqa: S101 - _branch_of found the branch in it
    return changed(node, branches={**node.branches, branch: edit(node.branches[branch])})


def _without_impossible(space: Group) -> Group:
    """Drop what narrowing left without a way to exist, and the values of `when` that narrowing took away."""
    possible: dict[str, tuple[Value, ...]] = {}
    edits: dict[str, _Edit | None] = {}

    def visit(group: Group, prefix: str, gone: bool) -> None:
        for key, node in group.children.items():
            path = prefix + key
            when: When = {c: tuple(v for v in allowed if v in possible.get(c, ())) for c, allowed in node.when.items()}
            impossible = gone or not all(when.values())
            if not impossible:
                possible[path] = options(node)
            if impossible:
                edits[path] = None
            elif when != node.when:
                edits[path] = partial(changed, when=when)
            if isinstance(node, Choice):
                for branch, inside in node.branches.items():
                    visit(inside, f"{path}.{branch}.", impossible)

    visit(space, "", gone=False)
    for path, edit in edits.items():
        space = _edit(space, path, edit)
    return _checked(space)


def _checked(space: Group) -> Group:
    parameters(space)
    return space

