"""How one trial's values differ from the defaults of its space."""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.space.nodes import Group, Value
from search_spaces.space.parameters import default_values, parameters


@dataclass(frozen=True)
class Difference:
    """One parameter, its default and its value; None where it does not exist."""

    name: str
    default: Value | None
    value: Value | None


def differences(space: Group, values: Mapping[str, Value]) -> tuple[Difference, ...]:
    """List the parameters whose value is not the default's, in the order of the space."""
    defaults = default_values(space)
    pairs = (Difference(p.name, defaults.get(p.name), values.get(p.name)) for p in parameters(space))
    return tuple(pair for pair in pairs if pair.default != pair.value)
