"""Functions drawn from a surrogate's posterior that can be read anywhere, and along any axis at little cost.

A function is drawn at some places together with the trials, and is elsewhere what the surrogate expects given
its values there: the pathwise view of conditioning of Wilson et al. 2020, with the places in the part of
prior draws. Such a function is a weighted sum of the kernel at trials and places. The kernel is linear in the
term of each axis, so a whole line along an axis costs little more than one point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from studies.surrogate.anova import gates_of
from studies.surrogate.domain import Array, Axis, Domain
from studies.surrogate.gaussian_process import Surrogate, points_of
from studies.surrogate.kernel import elementary

LEAST_OPEN = 1e-7  # of a direction's variance, below which the trials have settled it
BLOCK = 2048  # points that are read at a time
KNOTS = 25  # places along a range at which a function is read


@dataclass(frozen=True, eq=False)
class DrawnFunctions:
    """Functions of the standardised loss; the first one is the posterior mean.

    `anchors` are `(j, 2 * axes)`, trials and places, and `weights` `(j, functions)`.
    """

    surrogate: Surrogate
    anchors: Array
    weights: Array

    @property
    def domain(self) -> Domain:
        """The axes of the functions."""
        return self.surrogate.domain

    def at(self, coordinates: Array) -> Array:
        """Read every function at coordinates `(m, axes)`: `(m, functions)`."""
        found = np.empty((len(coordinates), self.weights.shape[1]))
        for first in range(0, len(coordinates), BLOCK):
            rows = slice(first, first + BLOCK)
            points = points_of(coordinates[rows], self.domain.active(coordinates[rows]))
            found[rows] = self.surrogate.kernel.between(points, self.anchors) @ self.weights
        return found


def draw_functions(surrogate: Surrogate, places: Array, draws: int, seed: int) -> DrawnFunctions:
    """Draw functions from the posterior.

    Args:
        surrogate: the fitted Gaussian process.
        places: where the functions are drawn together, `(m, axes)` coordinates: the space as a whole, and the
            part of it that is asked about.
        draws: how many functions, beside the mean.
        seed: of the draws.
    """
    points = points_of(places, surrogate.domain.active(places))
    cross = surrogate.kernel.between(surrogate.points, points)
    half = solve_triangular(surrogate.cholesky, cross, lower=True)
    covariance = surrogate.kernel.between(points, points) - half.T @ half
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    is_open = values > LEAST_OPEN
    noise = np.random.default_rng(seed).standard_normal((len(values), draws))[is_open]
    at_places = vectors[:, is_open] @ (noise / np.sqrt(values[is_open])[:, None])
    at_places = np.hstack([np.zeros((len(values), 1)), at_places])
    at_trials = surrogate.weights[:, None] - cho_solve((surrogate.cholesky, True), cross @ at_places)
    return DrawnFunctions(surrogate, np.vstack([surrogate.points, points]), np.vstack([at_trials, at_places]))


def knots_of(axis: Axis) -> Array:
    """Give the places along an axis that are read: its values, or evenly over a range from end to end."""
    return axis.nodes if axis.is_discrete else np.linspace(0.0, 1.0, KNOTS)


class Lines:
    """Functions along the axes through some places, which can be moved.

    Args:
        drawn: the functions.
        coordinates: the places, `(m, axes)`.
    """

    def __init__(self, drawn: DrawnFunctions, coordinates: Array) -> None:
        """Read the terms of every axis at the places."""
        self.drawn, self.coordinates = drawn, coordinates.copy()
        self._gates = gates_of(drawn.domain)
        self._read()

    def _read(self) -> None:
        kernel, domain = self.drawn.surrogate.kernel, self.drawn.domain
        self.active = domain.active(self.coordinates)
        points = points_of(self.coordinates, self.active)
        self._terms = {d: kernel.axis_term(d, points, self.drawn.anchors) for d in kernel.present}
        self._sums = elementary(self._terms.values(), (len(points), len(self.drawn.anchors)))

    def matters(self, axis: int) -> bool:
        """Say whether the functions change along an axis at all."""
        return axis in self._terms or axis in self._gates

    def along(self, axis: int) -> Array:
        """Read every function along an axis through every place: `(m, knots, functions)`."""
        if axis in self._gates:
            return np.stack([self.drawn.at(moved) for moved in self._options(axis)], axis=1)
        constant, slope, terms = self._parts(axis)
        middle = constant @ self.drawn.weights
        return np.stack([middle + (slope * term) @ self.drawn.weights for term in terms], axis=1)

    def along_own(self, axis: int, functions: NDArray[np.intp]) -> Array:
        """Read for each place one function along an axis: `(m, knots)`; `functions` `(m,)` says which.

        Of a choice with branches only the options that a place does not have are read, where the choice
        exists; the others are infinite, since nothing is gained by moving there.
        """
        if axis in self._gates:
            return self._other_options(axis, functions)
        own = self.drawn.weights[:, functions].T
        constant, slope, terms = self._parts(axis)
        along: Array = np.sum(constant * own, axis=1)[:, None] + (slope * own) @ terms.T
        return along

    def move(self, axis: int, places: Array) -> None:
        """Move every place along one axis to coordinates `(m,)`."""
        if axis in self._gates:
            self.coordinates[:, axis] = places
            self._read()
            return
        first, second, third = self._without(axis)
        self.coordinates[:, axis] = places
        points = points_of(self.coordinates, self.active)
        term = self.drawn.surrogate.kernel.axis_term(axis, points, self.drawn.anchors)
        self._terms[axis] = term
        self._sums = [self._sums[0], first + term, second + term * first, third + term * second]

    def _other_options(self, gate: int, functions: NDArray[np.intp]) -> Array:
        nodes = self.drawn.domain.axes[gate].nodes
        found = np.full((len(functions), len(nodes)), np.inf)
        for option, code in enumerate(nodes):
            rows = np.flatnonzero(self.active[:, gate] & (self.coordinates[:, gate] != code))
            if len(rows):
                moved = self.coordinates[rows]
                moved[:, gate] = code
                found[rows, option] = self.drawn.at(moved)[np.arange(len(rows)), functions[rows]]
        return found

    def _options(self, gate: int) -> list[Array]:
        found = []
        for code in self.drawn.domain.axes[gate].nodes:
            moved = self.coordinates.copy()
            moved[:, gate] = code
            found.append(moved)
        return found

    def _without(self, axis: int) -> tuple[Array, Array, Array]:
        """Give the elementary polynomials of orders one to three of all other axes."""
        term = self._terms[axis]
        first = self._sums[1] - term
        second = self._sums[2] - term * first
        return first, second, self._sums[3] - term * second

    def _parts(self, axis: int) -> tuple[Array, Array, Array]:
        """Give what an axis has no part in, what multiplies its term, and its term at the knots."""
        kernel = self.drawn.surrogate.kernel
        weights, count = kernel.order_weights, len(self.drawn.domain.axes)
        first, second, third = self._without(axis)
        knots = knots_of(self.drawn.domain.axes[axis])
        points = np.zeros((len(knots), 2 * count))
        points[:, axis], points[:, count + axis] = knots, 1.0
        terms = kernel.axis_term(axis, points, self.drawn.anchors)
        slope = (weights[1] + weights[2] * first + weights[3] * second) * self.active[:, [axis]]
        return weights[0] + weights[1] * first + weights[2] * second + weights[3] * third, slope, terms
