"""The nodes of a search space: frozen values that say what may vary and where a value goes.

A space is a `Group` of named nodes. `Float`, `Int` and `Categorical` are leaves. A `Choice` has named
branches, each a `Group` of its own, so a hyperparameter of a branch not taken cannot exist. "Off" is a branch
of its own name (`none`), never a zero.

A node may carry `when`, a conjunction of "that choice is one of these", for a parameter that depends on
choices elsewhere, and `target`, the key of the LightningCLI configuration that its value fills
(`optimizer.init_args.lr`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from search_spaces.errors import IllegalSpace

Value = bool | int | float | str
When = Mapping[str, tuple[Value, ...]]

# As data, `set` and `class_path` stand beside a group's children, and `choices` tells a node from a group.
RESERVED_NAMES = frozenset({"set", "class_path", "choices"})


@dataclass(frozen=True)
class Prior:
    """Where the optimum is expected: `centre`, in the parameter's unit, and `width`, one standard deviation.

    `width` is in decades for a parameter on a log scale and in the parameter's own unit otherwise.
    """

    centre: float
    width: float

    def __post_init__(self) -> None:
        for name in ("centre", "width"):
            _check_number(f"A prior's {name}", getattr(self, name))
        if not self.width > 0:
            raise IllegalSpace(
                f"A prior's width must be positive, but got {self.width}; leave the prior out instead."
            )


@dataclass(frozen=True, kw_only=True)
class Node:
    """What every node may carry: the condition of its existence, its target, words for a table."""

    when: When = field(default_factory=dict)
    target: str | None = None
    unit: str = ""
    why: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.target is not None and not _is_key(self.target):
            raise IllegalSpace(
                f"`target` must be a key of the configuration such as `model.init_args.width`, "
                f"but got {self.target!r}."
            )
        for word in ("unit", "why", "source"):
            if not isinstance(getattr(self, word), str):
                raise IllegalSpace(f"`{word}` must be a string, but got {getattr(self, word)!r}; quote it.")
        for name, allowed in self.when.items():
            if not _is_list(allowed) or not allowed:
                raise IllegalSpace(
                    f"`when` must list at least one branch of {name}, but got {allowed!r}; "
                    f"write {{{name}: [branch]}}."
                )


# What the types promise is checked all the same, because most spaces come from a file.
def _is_list(given: object) -> TypeGuard[Sequence[object]]:
    return isinstance(given, tuple | list)


def _is_value(given: object) -> bool:
    return isinstance(given, Value) and not (isinstance(given, float) and not math.isfinite(given))


def _is_key(given: object) -> bool:
    return isinstance(given, str) and all(given.split("."))


def _is_plain(given: object) -> bool:
    if isinstance(given, Mapping):
        return all(isinstance(key, str) and _is_plain(value) for key, value in given.items())
    return given is None or isinstance(given, Value) or (_is_list(given) and all(map(_is_plain, given)))


def _check_number(what: str, value: object, *, whole: bool = False) -> None:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise IllegalSpace(f"{what} must be a {'whole number' if whole else 'number'}, but got {value!r}.")
    if not math.isfinite(value):
        raise IllegalSpace(f"{what} must be finite, but got {value!r}; write a number.")


def _check_range(node: "Float | Int") -> None:
    for name in ("low", "high", "default"):
        if getattr(node, name) is not None or name != "default":
            _check_number(f"`{name}` of a range", getattr(node, name), whole=isinstance(node, Int))
    low, high, default, prior = node.low, node.high, node.default, node.prior
    if low > high:
        raise IllegalSpace(f"`low <= high` must hold, but got low={low}, high={high}; swap them.")
    if node.log and low <= 0:
        raise IllegalSpace(f"A log scale needs `low > 0`, but got low={low}; raise it, or leave `log` out.")
    if default is not None and not low <= default <= high:
        raise IllegalSpace(
            f"`low <= default <= high` must hold, but got default={default} in {low} .. {high}; "
            f"move one of them."
        )
    if node.log and prior is not None and prior.centre <= 0:
        raise IllegalSpace(
            f"On a log scale a prior's centre must be positive, but got {prior.centre}; "
            f"raise it, or leave `log` out."
        )


@dataclass(frozen=True)
class Float(Node):
    """A real number in the closed range `low .. high`, on a linear or, with `log`, a logarithmic scale."""

    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    default: float | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)


@dataclass(frozen=True)
class Int(Node):
    """A whole number in the closed range `low .. high`, on a linear or, with `log`, a logarithmic scale."""

    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    default: int | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)


@dataclass(frozen=True)
class Categorical(Node):
    """One of a few values without an order; alternatives that have parameters of their own are a `Choice`."""

    choices: tuple[Value, ...]
    default: Value | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.choices:
            raise IllegalSpace(
                "`choices` must hold at least one value, but it is empty; list what may be chosen."
            )
        for value in self.choices:
            if not _is_value(value):
                raise IllegalSpace(
                    f"A choice must be a string, a finite number or a boolean, but got {value!r}."
                )
        # 1 == True == 1.0 for Python and for a database's JSON: two such choices could not be told apart.
        if len(set(self.choices)) < len(self.choices):
            raise IllegalSpace(
                f"The values of `choices` must differ, but got {list(self.choices)}; "
                f"leave out what stands there twice (1, 1.0 and true are one value)."
            )
        if self.default is not None and self.default not in self.choices:
            raise IllegalSpace(f"`default` must be one of {list(self.choices)}, but got {self.default!r}.")


@dataclass(frozen=True)
class Group:
    """Named nodes that exist together, with the configuration that stands for them.

    `set` maps configuration keys to constants that are written whenever the group is active. `class_path` is
    the common case: it names the class that a branch stands for, and the branch's children fill that class's
    `init_args`.
    """

    children: Mapping[str, Node] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    class_path: str | None = None

    def __post_init__(self) -> None:
        for name in self.children:
            if not _is_key(name) or name in RESERVED_NAMES:
                raise IllegalSpace(
                    f"{name!r} is no name for a parameter: it must be a string without an empty part "
                    f"and none of {sorted(RESERVED_NAMES)}; rename it."
                )
        for key, constant in self.set.items():
            if not _is_key(key) or not _is_plain(constant):
                raise IllegalSpace(
                    f"`set` maps configuration keys to plain data, but got {key!r}: {constant!r}; "
                    f"write for example `model.init_args.bias: false`."
                )


@dataclass(frozen=True)
class Choice(Node):
    """One of several named branches, each a `Group` whose parameters exist only while that branch is taken.

    With a `target`, a branch that has a `class_path` writes that class there, and any other branch without a
    `set` of its own writes its name.
    """

    branches: Mapping[str, Group]
    default: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.branches:
            raise IllegalSpace(
                "`choices` must hold at least one branch, but it is empty; name what may be chosen."
            )
        for name, branch in self.branches.items():
            if not _is_key(name) or "." in name:
                raise IllegalSpace(
                    f"A branch is named by a string without a dot, but got {name!r}; rename it."
                )
            if not isinstance(branch, Group):
                raise IllegalSpace(
                    f"The branch {name!r} must be a Group, but got {branch!r}; write Group() for one without "
                    f"parameters."
                )
        if self.default is not None and self.default not in self.branches:
            raise IllegalSpace(f"`default` must be one of {list(self.branches)}, but got {self.default!r}.")
        for name, branch in self.branches.items():
            if branch.class_path is not None and self.target is None:
                raise IllegalSpace(
                    f"Branch {name!r} has a class_path, so its choice needs a `target`, the section of the "
                    f"configuration that the class belongs to, such as `target: optimizer`."
                )
