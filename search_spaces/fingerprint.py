"""One short string for what a space means, so that a changed space is noticed when a study is resumed."""

import hashlib
import json
from typing import Any

from search_spaces.parameters import options, parameters
from search_spaces.space import Choice, Float, Group, Int

_DIGITS = 16  # hexadecimal digits: 64 bits, far more than the spaces of one database


def fingerprint(space: Group) -> str:
    """Hash the meaning of a space: names, ranges, conditions, what is written where.

    The order of keys, defaults, priors and explanations do not count: trials made under either space are trials of both.
    """
    meaning: dict[str, Any] = {}
    for parameter in parameters(space):
        node = parameter.node
        entry: dict[str, Any] = {
            "when": {name: sorted(map(repr, allowed)) for name, allowed in parameter.conditions.items()},
            "target": parameter.target,
        }
        if isinstance(node, Float | Int):
            entry |= {"kind": type(node).__name__, "low": repr(node.low), "high": repr(node.high), "log": node.log}
        else:
            entry["options"] = sorted(map(repr, options(node)))
        if isinstance(node, Choice):
            entry["writes"] = {name: [branch.class_path, dict(branch.set)] for name, branch in node.branches.items()}
        meaning[parameter.name] = entry
    text = json.dumps([dict(space.set), meaning], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
