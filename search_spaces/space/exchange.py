"""Searching another parameter in place of one: under the same choice, by another name."""

from dataclasses import replace as changed

from search_spaces.space.nodes import Choice, Group, Node
from search_spaces.space.parameters import find, parameters


def exchange(space: Group, name: str, last: str, node: Node) -> Group:
    """Put `node` in the place of the parameter called `name`, with the last part of its name changed.

    A condition stays as it was, and so does a target but for its last part. A parameter that fills an
    argument of its branch's class by its name fills the one of the new name.

    Raises:
        UnknownParameter: no parameter is called `name`.
        IllegalSpace: the result contradicts itself.
    """
    old = find(space, name).node
    target = None if old.target is None else _with_last(old.target, last)
    found = _exchanged(space, name, last, changed(node, when=old.when, target=target), "")
    parameters(found)
    return found


def _with_last(path: str, last: str) -> str:
    return ".".join([*path.split(".")[:-1], last])


def _exchanged(group: Group, name: str, last: str, new: Node, prefix: str) -> Group:
    children: dict[str, Node] = {}
    for key, node in group.children.items():
        if prefix + key == name:
            children[_with_last(key, last)] = new
        elif isinstance(node, Choice):
            inside = {
                branch: _exchanged(each, name, last, new, f"{prefix}{key}.{branch}.")
                for branch, each in node.branches.items()
            }
            children[key] = changed(node, branches=inside)
        else:
            children[key] = node
    return changed(group, children=children)
