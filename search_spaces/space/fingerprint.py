"""One short string for what a space means, so that a changed space is noticed when a study is resumed."""

import hashlib
import json
from typing import Any

from search_spaces.space.nodes import Choice, Float, Group, Int
from search_spaces.space.parameters import Parameter, options, parameters

_DIGITS = 16  # hexadecimal digits: 64 bits, far more than the spaces of one database


def fingerprint(space: Group) -> str:
    """Hash the meaning of a space: names, ranges, conditions, what is written where.

    The order of keys and of choices, defaults, priors and explanations do not count: trials made under either
    space are trials of both.
    """
    text = json.dumps([dict(space.set), _meanings(parameters(space))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _meanings(listed: tuple[Parameter, ...]) -> dict[str, Any]:
    sizes = {parameter.name: len(options(parameter.node)) for parameter in listed}
    meanings: dict[str, Any] = {}
    for parameter in listed:
        node = parameter.node
        meaning: dict[str, Any] = {
            "target": parameter.target,
            # A condition that leaves a choice all its options says no more than that the choice exists.
            "when": {
                name: sorted(map(repr, allowed))
                for name, allowed in parameter.conditions.items()
                if len(allowed) < sizes[name]
            },
        }
        if isinstance(node, Float):
            meaning |= {"kind": "float", "low": float(node.low), "high": float(node.high), "log": node.log}
        elif isinstance(node, Int):
            meaning |= {"kind": "int", "low": node.low, "high": node.high, "log": node.log}
        else:
            meaning |= {"kind": "choice", "options": sorted(map(repr, options(node))), "writes": {}}
        if isinstance(node, Choice):
            meaning["writes"] = {
                name: [inside.class_path, dict(inside.set)]
                for name, inside in node.branches.items()
                if inside.class_path is not None or inside.set
            }
        meanings[parameter.name] = meaning
    return meanings
