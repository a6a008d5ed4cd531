"""The nodes of a search space: frozen values that say what may vary and where a value goes.

A space is a `Group` of named nodes. `Float`, `Int` and `Categorical` are leaves. A `Choice` has named branches, each a `Group` of
its own, so a hyperparameter of a branch not taken cannot exist. "Off" is a branch of its own name (`none`), never a zero.

A node may carry `when`, a conjunction of "that choice is one of these", for a parameter that depends on choices elsewhere, and
`target`, the key of the LightningCLI configuration that its value fills (`optimizer.init_args.lr`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search_spaces.errors import IllegalSpace

type_of_value = (bool, int, float, str)
Value = bool | int | float | str
When = Mapping[str, tuple[Value, ...]]

RESERVED_NAMES = frozenset({"set", "class_path"})  # keys of a group beside its children


@dataclass(frozen=True)
class Prior:
    """Where the optimum is expected: `centre`, in the parameter's unit, and `width`, one standard deviation.

    `width` is in decades for a parameter on a log scale and in the parameter's own unit otherwise.
    """

    centre: float
    width: float

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise IllegalSpace(f"A prior's width must be positive, but got {self.width}; leave the prior out instead.")


@dataclass(frozen=True, kw_only=True)
class Node:
    """What every node may carry: the condition of its existence, its target, and the words for its row in a table."""

    when: When = field(default_factory=dict)
    target: str | None = None
    unit: str = ""
    why: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        for name, allowed in self.when.items():
            if isinstance(allowed, str) or not allowed:
                raise IllegalSpace(
                    f"`when: {{{name}: {allowed!r}}}` must list at least one branch; write {{{name}: [branch]}}."
                )


def _check_range(low: float, high: float, *, log: bool, default: float | None) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise IllegalSpace(f"A range must be finite, but got low={low}, high={high}.")
    if not low <= high:
        raise IllegalSpace(f"`low <= high` must hold, but got low={low}, high={high}; swap them.")
    if log and not low > 0:
        raise IllegalSpace(f"A log scale needs `low > 0`, but got low={low}; raise it, or leave `log` out.")
    if default is not None and not low <= default <= high:
        raise IllegalSpace(f"`low <= default <= high` must hold, but got default={default} in {low} .. {high}.")


@dataclass(frozen=True)
class Float(Node):
    """A real number in the closed range `low .. high`, uniform on a linear or, with `log`, on a logarithmic scale."""

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    default: float | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self.low, self.high, log=self.log, default=self.default)


@dataclass(frozen=True)
class Int(Node):
    """A whole number in the closed range `low .. high`, uniform on a linear or, with `log`, on a logarithmic scale."""

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    default: int | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("low", "high", "default"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise IllegalSpace(f"A whole-number range needs a whole number for `{name}`, but got {value!r}.")
        _check_range(self.low, self.high, log=self.log, default=self.default)


@dataclass(frozen=True)
class Categorical(Node):
    """One of a few values without an order. For alternatives that have parameters of their own use `Choice`."""

    choices: tuple[Value, ...]
    default: Value | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.choices:
            raise IllegalSpace("`choices` must hold at least one value, but it is empty.")
        for value in self.choices:
            if not isinstance(value, type_of_value):
                raise IllegalSpace(f"A choice must be a string, a number or a boolean, but got {value!r}.")
        # 1 == True == 1.0 for Python and for a database's JSON: two such choices could not be told apart.
        if len(set(self.choices)) < len(self.choices):
            raise IllegalSpace(f"The values of `choices` must differ, but got {list(self.choices)}.")
        if self.default is not None and self.default not in self.choices:
            raise IllegalSpace(f"`default` must be one of {list(self.choices)}, but got {self.default!r}.")


@dataclass(frozen=True)
class Group:
    """Named nodes that exist together, with the configuration that stands for them.

    `set` maps configuration keys to constants that are written whenever the group is active. `class_path` is the common case: it
    names the class that a branch stands for, and the branch's children fill that class's `init_args`.
    """

    children: Mapping[str, Node] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    class_path: str | None = None

    def __post_init__(self) -> None:
        for name in self.children:
            if not name or name in RESERVED_NAMES or any(not part for part in name.split(".")):
                raise IllegalSpace(
                    f"{name!r} is no name for a parameter: it must not be empty, hold an empty part, "
                    f"or be one of {sorted(RESERVED_NAMES)}; rename it."
                )


@dataclass(frozen=True)
class Choice(Node):
    """One of several named branches, each a `Group` whose parameters exist only while that branch is taken.

    With a `target`, a branch that has a `class_path` writes that class there, and any other branch without a `set` of its own
    writes its name.
    """

    branches: Mapping[str, Group]
    default: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.branches:
            raise IllegalSpace("A choice must have at least one branch, but it has none.")
        for name in self.branches:
            if not isinstance(name, str) or not name or "." in name:
                raise IllegalSpace(f"A branch is named by a string without a dot, but got {name!r}.")
        if self.default is not None and self.default not in self.branches:
            raise IllegalSpace(f"`default` must be one of {list(self.branches)}, but got {self.default!r}.")
        for name, branch in self.branches.items():
            if branch.class_path is not None and self.target is None:
                raise IllegalSpace(
                    f"Branch {name!r} has a class_path, so its choice needs a `target`, the section of the configuration "
                    f"that the class belongs to, such as `target: optimizer`."
                )
