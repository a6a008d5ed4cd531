"""Spaces whose parameters have priors and defaults: those of the optimum, or far off it."""

from collections.abc import Sequence
from dataclasses import replace
from math import log10

from search_spaces.space.nodes import Categorical, Choice, Float, Group, Node, Prior
from search_spaces.space.parameters import options
from studies.surrogate.domain import Array, domain_of

WIDTH = 0.125  # of a range: half a decade of four


def with_priors(space: Group, optimum: Array, off: float) -> Group:
    """Give every real parameter a prior, and every choice a default.

    Args:
        space: as it is without.
        optimum: coordinates `(axes,)`.
        off: how far from the optimum the centre lies, as a part of the range; towards the farther end. Where
            it is not 0, the default of a choice is the option behind the best one.
    """
    return _of_group(space, optimum, off, domain_of(space).names, ())


def _of_group(group: Group, optimum: Array, off: float, names: Sequence[str], path: tuple[str, ...]) -> Group:
    def made(node: Node, name: tuple[str, ...]) -> Node:
        at = float(optimum[names.index(".".join(name))])
        if isinstance(node, Choice | Categorical):
            possible = options(node)
            node = replace(node, default=possible[(round(at) + (off != 0)) % len(possible)])
        if isinstance(node, Choice):
            return replace(
                node,
                branches={
                    branch: _of_group(inside, optimum, off, names, (*name, branch))
                    for branch, inside in node.branches.items()
                },
            )
        if not isinstance(node, Float):
            return node
        at = min(at + off, 1.0) if at < 0.5 else max(at - off, 0.0)
        if node.log:
            ratio = node.high / node.low
            return replace(node, prior=Prior(node.low * ratio**at, WIDTH * log10(ratio)))
        span = node.high - node.low
        return replace(node, prior=Prior(node.low + at * span, WIDTH * span))

    return replace(group, children={name: made(node, (*path, name)) for name, node in group.children.items()})
