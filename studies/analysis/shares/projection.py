"""The score along one or two parameters, averaged over all others, and how sure that is."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.linalg import solve_triangular

from search_spaces.space.nodes import Value
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.shares.importance import Fitted
from studies.surrogate.anova import (
    Features,
    Structures,
    features_of,
    structural_prior,
    structural_terms,
    structures_of,
)
from studies.surrogate.domain import Array, Axis, value_at
from studies.surrogate.kernel import axis_covariance

GRID = 25  # positions along an ordered axis


@dataclass(frozen=True, eq=False)
class Projection:
    """The expected loss at g combinations of values.

    `positions` `(g, names)` are coordinates, `values` the values there. `mean` `(g,)` and `covariance` `(g,
    g)` are of the posterior, in the objective's unit as it is minimized.
    """

    names: tuple[str, ...]
    positions: Array
    values: tuple[tuple[Value, ...], ...]
    mean: Array
    covariance: Array

    @property
    def deviation(self) -> Array:
        """The posterior's standard deviation at each combination, `(g,)`."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def positions_of(axis: Axis) -> Array:
    """Give the coordinates at which an axis is drawn: all its values, or evenly from end to end."""
    return axis.nodes if axis.is_discrete else np.linspace(0.0, 1.0, GRID)


def project(fitted: Fitted, *names: str) -> Projection:
    """Average the score over everything but one or two parameters.

    Raises:
        NothingToAnalyse: the two never exist together.
    """
    surrogate = fitted.surrogate
    domain, kernel = surrogate.domain, surrogate.kernel
    columns = tuple(domain.names.index(name) for name in names)
    structures = structures_of(domain, 0)
    features = features_of(kernel, structures)
    mesh = np.meshgrid(*[positions_of(domain.axes[d]) for d in columns], indexing="ij")
    positions = np.stack([m.ravel() for m in mesh], axis=-1)

    weights, kept = _structural_weights(structures, columns, positions)
    if not len(kept):
        raise NothingToAnalyse(
            f"{' and '.join(names)} never exist together; ask for parameters of one branch."
        )
    positions = positions[kept]
    with_trials = _terms(features, columns, weights, positions, surrogate.points)
    prior = _prior(features, columns, weights, positions)
    whitened = solve_triangular(surrogate.cholesky, with_trials.T, lower=True)
    values = tuple(
        tuple(value_at(domain.axes[d], float(p)) for d, p in zip(columns, row, strict=True))
        for row in positions
    )
    return Projection(
        names,
        positions,
        values,
        surrogate.centre + surrogate.scale * (with_trials @ surrogate.weights),
        surrogate.scale**2 * (prior - whitened.T @ whitened),
    )


def _structural_weights(
    structures: Structures, columns: tuple[int, ...], positions: Array
) -> tuple[Array, list[int]]:
    """Give the probabilities of the structures at each position, and the positions that exist at all."""
    rows, kept = [], []
    for i, position in enumerate(positions):
        row = structures.weights * structures.active[:, columns].all(axis=1)
        for d, at in zip(columns, position, strict=True):
            if d in structures.gates:
                row = row * (structures.codes[:, structures.gates.index(d)] == at)
        if row.sum() > 0:
            rows.append(row / row.sum())
            kept.append(i)
    return np.array(rows), kept


def _terms(
    features: Features, columns: tuple[int, ...], weights: Array, positions: Array, points: Array
) -> Array:
    """Give the prior covariance of the averages with points `(n, 2 * axes)`, `(g, n)`."""
    count = len(features.kernel.axes)
    along = {
        place: _along(features, d, positions[:, place], points[:, d]) * points[:, count + d]
        for place, d in enumerate(columns)
        if d not in features.structures.gates
    }
    return _summed(along, [weights @ term for term in structural_terms(features, points)])


def _prior(features: Features, columns: tuple[int, ...], weights: Array, positions: Array) -> Array:
    along = {
        place: _along(features, d, positions[:, place], positions[:, place])
        for place, d in enumerate(columns)
        if d not in features.structures.gates
    }
    return _summed(along, [weights @ term @ weights.T for term in structural_prior(features)])


def _along(features: Features, axis: int, left: Array, right: Array) -> Array:
    kernel = features.kernel
    covariance = axis_covariance(kernel.axes[axis], float(kernel.lengths[axis]), left, right)
    return float(kernel.variances[axis]) * covariance


def _summed(along: dict[int, Array], structural: list[Array]) -> Array:
    total = structural[0]
    for size in range(1, len(along) + 1):
        for chosen in combinations(along.values(), size):
            total = total + structural[size] * np.prod(chosen, axis=0)
    return total
