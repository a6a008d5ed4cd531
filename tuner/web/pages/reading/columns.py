"""The parameters of a study as columns: one group for each branch of the tree, in the order of the space."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from search_spaces.space.describe import show_conditions
from search_spaces.space.nodes import Float, Group, Int, Node, Value
from search_spaces.space.parameters import options, parameters

ALWAYS = "always"


@dataclass(frozen=True)
class Column:
    """A parameter; `label` is what tells its name from the others of its group."""

    name: str
    label: str
    node: Node | None


@dataclass(frozen=True)
class Branch:
    """The parameters that exist under one condition.

    `when` is the condition in words. `choice` is the last choice that it names, and `options` what that has
    to be; None and empty for parameters that always exist.
    """

    when: str
    columns: Sequence[Column]
    choice: str | None = None
    options: Sequence[Value] = ()


def branches_of(space: Group | None, values: Iterable[Mapping[str, Value]]) -> list[Branch]:
    """Group the parameters of a space by when they exist; those of a study of plain Optuna as one group.

    A parameter that has one value only is left out.
    """
    if space is None:
        names = list(dict.fromkeys(name for each in values for name in each))
        labels = _labels(names)
        return [Branch(ALWAYS, [Column(name, labels[name], None) for name in names])] if names else []
    groups: dict[str, list[tuple[str, Node]]] = {}
    last: dict[str, tuple[str, Sequence[Value]]] = {}
    for parameter in parameters(space):
        when = show_conditions(parameter)
        if not _varies(parameter.node):
            continue
        groups.setdefault(when, []).append((parameter.name, parameter.node))
        if parameter.conditions:
            last[when] = list(parameter.conditions.items())[-1]
    found = []
    for when, members in groups.items():
        labels = _labels([name for name, _ in members])
        choice, allowed = last.get(when, (None, ()))
        columns = [Column(name, labels[name], node) for name, node in members]
        found.append(Branch(when, columns, choice, allowed))
    return sorted(found, key=lambda branch: branch.choice is not None)


def _varies(node: Node) -> bool:
    return node.low < node.high if isinstance(node, Float | Int) else len(options(node)) > 1


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Shorten names to as many of their last parts as tell each from the others."""
    found = {}
    for name in names:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            label = ".".join(parts[-count:])
            if sum(other == label or other.endswith(f".{label}") for other in names) == 1:
                break
        found[name] = label
    return found
