"""The part of a space that fits a module: parameters that fill what nobody takes are left out."""

from collections.abc import Callable, Collection
from dataclasses import replace

from search_spaces.space.nodes import Choice, Group, Node
from search_spaces.space.parameters import Parameter, parameters


def without_untaken(space: Group, takes: Callable[[str], bool]) -> tuple[Group, tuple[str, ...]]:
    """Leave out what fills a key that is not taken, and what depends on it.

    A choice goes as a whole if one of its branches sets such a key.

    Args:
        space: the space.
        takes: says of a key of the configuration, such as `model.init_args.dropout`, whether it may be
            filled.

    Returns: The rest, and the full names of the parameters that were left out.
    """
    left: list[str] = []
    for parameter in parameters(space):
        if any(name in left for name in parameter.conditions) or not all(map(takes, _filled(parameter))):
            left.append(parameter.name)
    constants = {key: value for key, value in space.set.items() if takes(key)}
    return replace(_without(space, "", left), set=constants), tuple(left)


def _filled(parameter: Parameter) -> list[str]:
    """List the keys that a parameter may fill."""
    node = parameter.node
    own = [] if parameter.target is None else [parameter.target]
    return own + (
        [key for branch in node.branches.values() for key in branch.set] if isinstance(node, Choice) else []
    )


def _without(group: Group, prefix: str, names: Collection[str]) -> Group:
    kept = {name: node for name, node in group.children.items() if f"{prefix}{name}" not in names}
    return replace(
        group, children={name: _inside(node, f"{prefix}{name}", names) for name, node in kept.items()}
    )


def _inside(node: Node, path: str, names: Collection[str]) -> Node:
    if not isinstance(node, Choice):
        return node
    branches = {name: _without(branch, f"{path}.{name}.", names) for name, branch in node.branches.items()}
    return replace(node, branches=branches)
