"""Asking Optuna for the values of a conditional space."""

from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from search_spaces.space.nodes import Float, Group, Int, Node, Value
from search_spaces.space.parameters import options, parameters


def suggest(trial: BaseTrial, space: Group) -> dict[str, Value]:
    """Ask `trial` for a value of every parameter that exists, choices first.

    Returns:
        The values by full name, in the order of the space. A parameter of a branch not taken is never asked
        for.
    """
    values: dict[str, Value] = {}
    for parameter in parameters(space):
        if parameter.is_active(values):
            values[parameter.name] = _suggest_one(trial, parameter.name, parameter.node)
    return values


def _suggest_one(trial: BaseTrial, name: str, node: Node) -> Value:
    if isinstance(node, Float):
        return trial.suggest_float(name, node.low, node.high, log=node.log)
    if isinstance(node, Int):
        return trial.suggest_int(name, node.low, node.high, log=node.log)
    value = trial.suggest_categorical(name, _sorted_options(node))
    assert value is not None  # no option is None, though Optuna's types allow it
    return value


def distributions(space: Group) -> Mapping[str, BaseDistribution]:
    """Give Optuna's distribution of every parameter of `space`, active or not, by full name."""
    return {parameter.name: distribution(parameter.node) for parameter in parameters(space)}


def distribution(node: Node) -> BaseDistribution:
    """Give Optuna's distribution of one node."""
    if isinstance(node, Float):
        return FloatDistribution(node.low, node.high, log=node.log)
    if isinstance(node, Int):
        return IntDistribution(node.low, node.high, log=node.log)
    return CategoricalDistribution(_sorted_options(node))


def _sorted_options(node: Node) -> tuple[Value, ...]:
    # Numbers, then strings. Optuna refuses the same choices in another order, but their order has no meaning
    # in a space.
    return tuple(sorted(options(node), key=lambda value: (isinstance(value, str), value)))
