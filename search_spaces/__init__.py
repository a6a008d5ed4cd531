"""What may vary: conditional search spaces as frozen values, and a catalogue of ready-made choices."""

from search_spaces.space.algebra import combine, extend, fix, narrow, replace
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Node, Value
from search_spaces.space.parameters import Parameter, active_names, default_values, parameters

__all__ = [
    "Categorical",
    "Choice",
    "Float",
    "Group",
    "Int",
    "Node",
    "Parameter",
    "Value",
    "active_names",
    "combine",
    "default_values",
    "extend",
    "fix",
    "narrow",
    "parameters",
    "replace",
]
