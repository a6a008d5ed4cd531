"""A space as a table, one row a parameter: its name, its range, when it exists, and why it is there."""

from dataclasses import dataclass

from search_spaces.space.nodes import Float, Group, Int, Node, Value
from search_spaces.space.parameters import Parameter, default_of, options, parameters


@dataclass(frozen=True)
class Row:
    """One parameter in words."""

    name: str
    range: str
    unit: str
    default: str
    when: str
    why: str
    source: str


def describe(space: Group) -> tuple[Row, ...]:
    """Describe every parameter of a space, in its order."""
    return tuple(_row(parameter) for parameter in parameters(space))


def _row(parameter: Parameter) -> Row:
    node = parameter.node
    return Row(
        name=parameter.name,
        range=show_range(node),
        unit=node.unit,
        default=show_value(default_of(node)),
        when=show_conditions(parameter),
        why=node.why,
        source=node.source,
    )


def show_range(node: Node) -> str:
    """Write what a node can be: `log 1e-05 .. 0.1`, `1 .. 8`, `pre, post`."""
    if isinstance(node, Float | Int):
        return f"{'log ' if node.log else ''}{show_value(node.low)} .. {show_value(node.high)}"
    return ", ".join(show_value(option) for option in options(node))


def show_conditions(parameter: Parameter) -> str:
    """Write when a parameter exists: `optimizer is sgd and dropout is on`, or `always`."""
    parts = [
        f"{name} is {' or '.join(map(show_value, allowed))}" for name, allowed in parameter.conditions.items()
    ]
    return " and ".join(parts) or "always"


def show_value(value: Value) -> str:
    """Write one value as a study file would: booleans in lower case, reals in four digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
