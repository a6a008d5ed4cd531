"""A part of a space: choices that keep one option, ranges that keep a span, and what these ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from search_spaces.space.algebra import narrow
from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Float, Group, Int, Value, When
from search_spaces.space.parameters import find, options
from studies.analysis.errors import NothingToAnalyse
from studies.surrogate.domain import as_option


@dataclass(frozen=True)
class Span:
    """The numbers from `low` to `high`, both included."""

    low: float
    high: float


Where: TypeAlias = Mapping[str, Value | Span]


def within(space: Group, where: Where) -> Group:
    """Give the part of a space in which every parameter that is named exists and is as it is said.

    Raises:
        UnknownParameter: the space holds no such parameter.
        NothingToAnalyse: no configuration is as all of that says, or a value lies outside its range.
    """
    kept: dict[str, tuple[Value, ...]] = {}
    for name, value in where.items():
        parameter = find(space, name)
        needed = dict(parameter.conditions)
        if not isinstance(value, Span):
            needed[name] = (value,)
        for gate, allowed in needed.items():
            left = tuple(option for option in kept.get(gate, allowed) if option in allowed)
            if not left:
                raise NothingToAnalyse(
                    f"No configuration is where {in_words(where)}: {gate} cannot be all of that; name "
                    "values that can exist together."
                )
            kept[gate] = left
    part = space
    for gate, allowed in kept.items():
        node = find(part, gate).node
        if isinstance(node, Float | Int):
            part = narrow(part, gate, low=float(allowed[0]), high=float(allowed[0]))
        elif len(allowed) < len(options(node)):
            part = narrow(part, gate, choices=allowed)
    for name, value in where.items():
        if isinstance(value, Span):
            part = narrow(part, name, low=value.low, high=value.high)
    return part


def check_pair(space: Group, one: str, other: str) -> None:
    """Refuse two parameters that nothing can be said of together.

    Raises:
        UnknownParameter: the space holds no such parameter.
        NothingToAnalyse: one of the two does not vary, or the two never exist together, or only as a choice
            and what lies on its branch.
    """
    if one == other:
        raise NothingToAnalyse(f"{one} is one parameter; name two of them for a pair.")
    both = find(space, one), find(space, other)
    for parameter in both:
        node = parameter.node
        is_fixed = node.low == node.high if isinstance(node, Float | Int) else len(options(node)) == 1
        if is_fixed:
            raise NothingToAnalyse(f"{parameter.name} does not vary there; name a parameter that does.")
    first, second = (parameter.conditions for parameter in both)
    if any(not set(first[gate]) & set(second[gate]) for gate in set(first) & set(second)):
        said = " and ".join(f"{each.name} exists where {_conditions(each.conditions)}" for each in both)
        raise NothingToAnalyse(
            f"{one} and {other} share no branch: {said}; name two that can exist together."
        )
    if one in second or other in first:
        raise NothingToAnalyse(
            f"{one} and {other}: one of them exists on a branch of the other only, so what they do together "
            "is that it exists; name two that vary beside each other."
        )


def _conditions(when: When) -> str:
    return " and ".join(f"{name} is {' or '.join(map(show_value, values))}" for name, values in when.items())


def holds(where: Where, values: Mapping[str, Any]) -> bool:
    """Say whether a configuration lies in the part; one without a parameter that is named does not."""
    return all(
        name in values
        and (
            value.low <= values[name] <= value.high
            if isinstance(value, Span)
            else as_option(values[name]) == value
        )
        for name, value in where.items()
    )


def in_words(where: Where) -> str:
    """Write the part: `norm is none and optimizer.adamw.lr is 0.003 to 0.1`."""
    said = (
        f"{name} is {show_value(value.low)} to {show_value(value.high)}"
        if isinstance(value, Span)
        else f"{name} is {show_value(value)}"
        for name, value in where.items()
    )
    return " and ".join(said)


def to_data(where: Where) -> dict[str, Any]:
    """Write the part as plain data."""
    return {
        name: {"low": value.low, "high": value.high} if isinstance(value, Span) else value
        for name, value in where.items()
    }
