"""The values and parts that `--fix`, `--where` and `--pair` name, read against the space of a study."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna.study import Study

    from search_spaces.space.nodes import Float, Group, Int, Value
    from studies.analysis.observations.region import Span, Where

T = TypeVar("T")

DOTS = ".."  # between the ends of a span


def held_values(study: "Study", fixed: tuple[str, ...]) -> "dict[str, Value]":
    """Read `PARAMETER=VALUE` texts, whose options are named as tables show them.

    Args:
        study: any study.
        fixed: the texts.

    Raises:
        Refused: a parameter is named twice, or its value is no option and lies outside its range.
        UnknownParameter: the space has no parameter of that name.
    """
    return _named(study, "--fix", fixed, _number)


def parts_of_space(study: "Study", where: tuple[str, ...]) -> "dict[str, Value | Span]":
    """Read `CHOICE=OPTION` and `RANGE=LOW..HIGH`, whose options are named as tables show them.

    Args:
        study: any study.
        where: the texts.

    Raises:
        Refused: a parameter is named twice, an option is none of the choice's, or a span does not lie in the
            range.
        UnknownParameter: the space has no parameter of that name.
    """
    return _named(study, "--where", where, _span)


def _named(
    study: "Study", typed: str, texts: tuple[str, ...], of_range: "Callable[[str, str, str, Float | Int], T]"
) -> "dict[str, Value | T]":
    """Read `NAME=...` of an option that is typed: choices by what tables show, ranges by `of_range`."""
    from search_spaces.space.describe import show_value
    from search_spaces.space.nodes import Float, Int
    from search_spaces.space.parameters import find, options
    from studies.analysis.observations.of_study import space_of
    from tuner.errors import Refused

    found: dict[str, Value | T] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name in found:
            raise Refused(f"{typed} {text}: {name} is named twice; name each parameter once.")
        node = find(space_of(study), name).node
        if isinstance(node, Float | Int):
            found[name] = of_range(text, name, value, node)
            continue
        possible = {show_value(option): option for option in options(node)}
        if value not in possible:
            known = ", ".join(f"{name}={each}" for each in possible)
            raise Refused(f"{typed} {text}: {value or 'nothing'} is no option of {name}; write {known}.")
        found[name] = possible[value]
    return found


def check_pairs(space: "Group", asked: "Sequence[tuple[str, str]]", where: "Where") -> None:
    """Refuse pairs that nothing can be said of in a part of a space; errors as `check_pair`'s."""
    from studies.analysis.observations.region import check_pair, within

    part = within(space, where) if where else space
    for one, other in asked:
        check_pair(part, one, other)


def _span(text: str, name: str, value: str, node: "Float | Int") -> "Span":
    from search_spaces.space.describe import show_value
    from studies.analysis.observations.region import Span
    from tuner.errors import Refused

    low, dots, high = value.partition(DOTS)
    ends = f"{show_value(node.low)}{DOTS}{show_value(node.high)}"
    try:
        span = Span(float(low), float(high)) if dots else None
    except ValueError:
        span = None
    if span is None or not node.low <= span.low < span.high <= node.high:
        raise Refused(
            f"--where {text}: {name} is a range, of which a part is written {name}={ends} or narrower, "
            "because the study has looked nowhere else."
        )
    return span


def _number(text: str, name: str, value: str, node: "Float | Int") -> "Value":
    from search_spaces.space.describe import show_value
    from search_spaces.space.nodes import Int
    from tuner.errors import Refused

    try:
        number = int(value) if isinstance(node, Int) else float(value)
    except ValueError:
        number = None
    if number is None or not node.low <= number <= node.high:
        kind = "whole number" if isinstance(node, Int) else "number"
        raise Refused(
            f"--fix {text}: {name} must be a {kind} from {show_value(node.low)} to {show_value(node.high)}, "
            "because the study has looked nowhere else."
        )
    return number
