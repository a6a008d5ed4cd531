"""A space as axes of a unit cube: where a value lies, what it weighs, and when the axis exists.

The declared measure is the one that a quasi-random trial is drawn from: every option of a choice alike, a
range uniform on its scale. An axis of a branch not taken is thought to be drawn as well and then ignored. So
the measure is a product over all axes, however the space is nested, and a function of the space is one that
does not change along its inactive axes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from search_spaces.space.nodes import Float, Group, Int, Value
from search_spaces.space.parameters import Parameter, options, parameters

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

QUADRATURE_NODES = 24  # integrates a Matérn 5/2 of length 0.1 to 1e-5
MOST_ATOMS = 24  # an integer range of more values is integrated like a real one


@dataclass(frozen=True, eq=False)
class Axis:
    """One parameter as an axis.

    `nodes` and `weights` (both `(m,)`, the weights sum to one) integrate a function of the axis under the
    declared measure: Gauss and Legendre's for a real range, the values themselves for whole numbers and
    options. A coordinate lies in [0, 1] on an `ordered` axis and is the index of an option otherwise.
    `conditions` holds, for the index of another axis, the coordinates under which this one exists; all must
    hold.
    """

    parameter: Parameter
    conditions: Mapping[int, tuple[int, ...]]
    ordered: bool
    nodes: Array
    weights: Array

    @property
    def name(self) -> str:
        """The full name of the parameter."""
        return self.parameter.name

    @property
    def is_discrete(self) -> bool:
        """Whether the nodes are all the values there are."""
        node = self.parameter.node
        return (
            not isinstance(node, Float | Int)
            or len(self.nodes) == 1
            or (isinstance(node, Int) and node.high - node.low < MOST_ATOMS)
        )


@dataclass(frozen=True, eq=False)
class Domain:
    """The axes of a space, in any order."""

    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes, in their order."""
        return tuple(axis.name for axis in self.axes)

    def active(self, coordinates: Array) -> Mask:
        """Say at which points which axes exist.

        Args:
            coordinates: points of the cube, `(n, axes)`; those of inactive axes are not read.

        Returns:
            A mask of the same shape.
        """
        mask = np.ones(coordinates.shape, dtype=bool)
        for column, axis in enumerate(self.axes):
            for gate, codes in axis.conditions.items():
                # As `np.isin`, which takes longer for a few rows than all else here.
                is_met = coordinates[:, gate] == codes[0]
                for code in codes[1:]:
                    is_met |= coordinates[:, gate] == code
                mask[:, column] &= is_met
        return mask

    def permuted(self, order: tuple[int, ...]) -> "Domain":
        """Give the same axes with the one at `order[i]` in place i."""
        place = {old: new for new, old in enumerate(order)}
        return Domain(
            tuple(
                replace(axis, conditions={place[gate]: codes for gate, codes in axis.conditions.items()})
                for axis in (self.axes[old] for old in order)
            )
        )


def domain_of(space: Group) -> Domain:
    """Give the axes of every parameter of `space`, in its order."""
    known = parameters(space)
    index = {parameter.name: i for i, parameter in enumerate(known)}
    return Domain(tuple(_axis(parameter, known, index) for parameter in known))


def coordinate(axis: Axis, value: Value) -> float | None:
    """Place a value on its axis, or give None where it is no value of the axis at all.

    A number outside the range lies outside [0, 1]; an option that the axis does not have is no value.
    """
    node = axis.parameter.node
    if not isinstance(node, Float | Int):
        possible = options(node)
        return float(possible.index(value)) if value in possible else None
    if isinstance(value, str):
        return None
    low, high = _edges(node)
    if high == low:
        return 0.5
    if node.log:
        return (log(value) - log(low)) / (log(high) - log(low)) if value > 0 else None
    return (value - low) / (high - low)


def as_option(value: object) -> Value:
    """Give an option of Optuna's as a space holds it: None, or what else a space cannot hold, by its text."""
    return value if isinstance(value, Value) else str(value)


def value_at(axis: Axis, position: float) -> Value:
    """Give the value that lies at a coordinate, the inverse of `coordinate`."""
    node = axis.parameter.node
    if not isinstance(node, Float | Int):
        return options(node)[round(position)]
    low, high = _edges(node)
    value = (
        float(np.exp(log(low) + position * (log(high) - log(low))))
        if node.log
        else low + position * (high - low)
    )
    if isinstance(node, Int):
        return min(max(round(value), node.low), node.high)
    return min(max(value, node.low), node.high)


def on_values(axis: Axis, positions: Array) -> Array:
    """Move coordinates to those of the values that lie there: `coordinate` of `value_at`, of many at once."""
    node = axis.parameter.node
    if not isinstance(node, Int):
        return positions  # every number is a value, and options have no other coordinates
    start, end = np.log(_edges(node)) if node.log else _edges(node)
    reached = start + positions * (end - start)
    values = np.clip(np.rint(np.exp(reached) if node.log else reached), node.low, node.high)
    found: Array = ((np.log(values) if node.log else values) - start) / (end - start)
    return found


def _edges(node: Float | Int) -> tuple[float, float]:
    # Optuna rounds a real number between low - 1/2 and high + 1/2, so each whole number owns the cell around
    # it.
    return (node.low - 0.5, node.high + 0.5) if isinstance(node, Int) else (node.low, node.high)


def _axis(parameter: Parameter, known: tuple[Parameter, ...], index: Mapping[str, int]) -> Axis:
    conditions = {
        index[name]: tuple(options(known[index[name]].node).index(value) for value in allowed)
        for name, allowed in parameter.conditions.items()
    }
    node = parameter.node
    if not isinstance(node, Float | Int):
        count = len(options(node))
        return Axis(
            parameter,
            conditions,
            ordered=False,
            nodes=np.arange(count, dtype=float),
            weights=np.full(count, 1 / count),
        )
    if isinstance(node, Int) and node.high - node.low < MOST_ATOMS:
        low, high = _edges(node)
        values = np.arange(node.low, node.high + 1, dtype=float)
        scale = np.log if node.log else np.asarray
        width = scale(high) - scale(low)
        weights = (scale(values + 0.5) - scale(values - 0.5)) / width
        return Axis(
            parameter, conditions, ordered=True, nodes=(scale(values) - scale(low)) / width, weights=weights
        )
    if node.low == node.high:
        return Axis(parameter, conditions, ordered=True, nodes=np.array([0.5]), weights=np.array([1.0]))
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    return Axis(parameter, conditions, ordered=True, nodes=(nodes + 1) / 2, weights=weights / 2)
