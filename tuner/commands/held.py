"""The values that `--fix` names, read against the space of a study."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.study import Study

    from search_spaces.space.nodes import Float, Int, Value


def held_values(study: "Study", fixed: tuple[str, ...]) -> "dict[str, Value]":
    """Read `PARAMETER=VALUE` texts, whose options are named as tables show them.

    Args:
        study: any study.
        fixed: the texts.

    Raises:
        Refused: a parameter is named twice, or its value is no option and lies outside its range.
        UnknownParameter: the space has no parameter of that name.
    """
    from search_spaces.space.describe import show_value
    from search_spaces.space.nodes import Float, Int
    from search_spaces.space.parameters import find, options
    from studies.analysis.observations.of_study import space_of
    from tuner.errors import Refused

    held: dict[str, Value] = {}
    for text in fixed:
        name, _, value = text.partition("=")
        if name in held:
            raise Refused(f"--fix {text}: {name} is fixed twice; name each parameter once.")
        node = find(space_of(study), name).node
        if isinstance(node, Float | Int):
            held[name] = _number(text, name, value, node)
            continue
        possible = {show_value(option): option for option in options(node)}
        if value not in possible:
            known = ", ".join(f"{name}={each}" for each in possible)
            raise Refused(f"--fix {text}: {value or 'nothing'} is no option of {name}; write {known}.")
        held[name] = possible[value]
    return held


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
