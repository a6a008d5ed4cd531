"""A space as a flat list: each parameter with its full name and the conditions under which it exists.

The tree is what people write; the list is what samplers, tables and the analysis read. A parameter's name is
its path, prefixed by a branch exactly if the node lives inside that branch: `optimizer.adamw.lr`, but
`norm.placement`, whatever the norm.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import exp, log

from search_spaces.errors import IllegalSpace, UnknownParameter
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Value, When

SECTIONS = (
    "trainer",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    "callbacks",
)  # what a target can start with


@dataclass(frozen=True)
class Parameter:
    """One parameter of a space.

    `conditions` holds for each choice that the parameter depends on, directly or through another parameter,
    the values under which it exists; all of them must hold. `target` is the configuration key that its value
    fills, or None.
    """

    name: str
    node: Node
    conditions: When
    target: str | None

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Say whether the parameter exists beside the values chosen so far."""
        return all(name in values and values[name] in allowed for name, allowed in self.conditions.items())


def parameters(space: Group) -> tuple[Parameter, ...]:
    """List every parameter of `space`, a choice always before what depends on it.

    Raises:
        IllegalSpace: two parameters share a name, or fill one key at a time; or a condition names no earlier
            choice or cannot be met.
    """
    if space.class_path is not None:
        raise IllegalSpace(
            f"A space is no class, but got the class_path {space.class_path}; put it in a branch of a choice."
        )
    found: dict[str, Parameter] = {}
    for parameter in _walk(space, prefix="", conditions={}, owner="", found=found):
        if parameter.name in found:
            raise IllegalSpace(
                f"Two parameters are called {parameter.name!r}; a name must be used once, rename one."
            )
        _check_target_is_free(parameter, found)
        found[parameter.name] = parameter
    return tuple(found.values())


def _check_target_is_free(parameter: Parameter, found: Mapping[str, Parameter]) -> None:
    # Of two values for one key the first would be lost, yet it would be searched and analysed.
    for other in found.values():
        if parameter.target is not None and other.target == parameter.target and _meet(parameter, other):
            raise IllegalSpace(
                f"{parameter.name} and {other.name} can exist together and both fill {parameter.target}; "
                f"give one of them another `target`, or a `when` that keeps them apart."
            )


def _meet(one: Parameter, other: Parameter) -> bool:
    return all(
        set(allowed) & set(other.conditions.get(name, allowed)) for name, allowed in one.conditions.items()
    )


def _walk(
    group: Group, *, prefix: str, conditions: When, owner: str | None, found: Mapping[str, Parameter]
) -> Iterator[Parameter]:
    for name, node in group.children.items():
        path = prefix + name
        own = _conjunction(path, conditions, node.when, found)
        target = node.target or _implied_target(name, node, group, owner)
        yield Parameter(path, node, own, target)
        if isinstance(node, Choice):
            for branch, inside in node.branches.items():
                yield from _walk(
                    inside,
                    prefix=f"{path}.{branch}.",
                    conditions={**own, path: (branch,)},
                    owner=node.target,
                    found=found,
                )


def _implied_target(name: str, node: Node, group: Group, owner: str | None) -> str | None:
    """Say where a value goes that names no target: a class's leaf to its argument, a key to itself.

    `owner` is the section of the class that `group` stands for, and empty at the root of the space.
    """
    if group.class_path is not None:
        return None if isinstance(node, Choice) else f"{owner}.init_args.{name}"
    section, _, rest = name.partition(".")
    return name if owner == "" and rest and section in SECTIONS else None


def _conjunction(path: str, inherited: When, when: When, found: Mapping[str, Parameter]) -> When:
    merged = dict(inherited)
    for name, allowed in when.items():
        if name not in found:
            raise IllegalSpace(
                f"{path} exists when {name} is one of {list(allowed)}, but no parameter of that name stands "
                f"before it; name an earlier choice."
            )
        possible = options(found[name].node)
        if not possible:
            raise IllegalSpace(
                f"{path} exists when {name} is one of {list(allowed)}, but {name} is a range; name a choice."
            )
        unknown = [value for value in allowed if value not in possible]
        if unknown:
            raise IllegalSpace(
                f"{path} exists when {name} is {unknown[0]!r}, but {name} can only be one of "
                f"{list(possible)}; name some of them."
            )
        listed = tuple(value for value in possible if value in allowed)  # one order, however it was written
        for condition, values in [*found[name].conditions.items(), (name, listed)]:
            kept = tuple(value for value in values if value in merged.get(condition, values))
            if not kept:
                raise IllegalSpace(
                    f"{path} can never exist: nothing that {condition} can be meets all its conditions; "
                    f"loosen its `when`."
                )
            merged[condition] = kept
    return merged


def options(node: Node) -> tuple[Value, ...]:
    """List what a `Choice` or `Categorical` can be; a numeric node cannot be a condition and has none."""
    if isinstance(node, Choice):
        return tuple(node.branches)
    return node.choices if isinstance(node, Categorical) else ()


def default_of(node: Node) -> Value:
    """Give a node's default: the declared one, else the first option or the middle of the range."""
    if isinstance(node, Choice | Categorical):
        possible = options(node)
        return possible[0] if node.default is None else possible[possible.index(node.default)]
    assert isinstance(node, Float | Int)  # the four kinds of node are closed
    if node.default is not None:
        return node.default
    middle = exp((log(node.low) + log(node.high)) / 2) if node.log else node.low / 2 + node.high / 2
    return min(max(round(middle) if isinstance(node, Int) else middle, node.low), node.high)


def default_values(space: Group, chosen: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Give a value of every active parameter: the one in `chosen`, else its default."""
    values: dict[str, Value] = {}
    for parameter in parameters(space):
        if parameter.is_active(values):
            given = (chosen or {}).get(parameter.name)
            values[parameter.name] = default_of(parameter.node) if given is None else given
    return values


def active_names(space: Group, values: Mapping[str, Value]) -> frozenset[str]:
    """Name the parameters that exist beside `values`."""
    return frozenset(parameter.name for parameter in parameters(space) if parameter.is_active(values))


def find(space: Group, name: str) -> Parameter:
    """Find a parameter by its full name.

    Raises:
        UnknownParameter: the space holds no parameter of that name; the message offers the nearest one.
    """
    known = {parameter.name: parameter for parameter in parameters(space)}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"it holds {', '.join(known) or 'none'}."
    raise UnknownParameter(f"The space holds no parameter {name!r}; {hint}")
