"""What a parameter explains alone and together with all others: its total share, in closed form.

The total share is the part of the variance that is left when everything but the parameter is known, E[Var(f |
the others)] / Var f (Homma and Saltelli 1996). Given the gates' options the surrogate is a sum of orthogonal
functions, one for each set of at most three axes, and the squared length of such a function is a quadratic
form in the surrogate's weights: the product over the set of

    M_d[i, j] = E[z_d(x, x_i) z_d(x, x_j)]

under the declared measure. So the total of an axis is the sum over all sets that hold it, with nothing
drawn. The total of a gate is the mean over all else of the variance between its options. In the same way
the part of each total that the posterior's uncertainty adds on average is known.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from studies.surrogate.anova import (
    Features,
    Structures,
    combinations_of,
    features_of,
    structural_prior,
    structural_terms,
)
from studies.surrogate.domain import Array
from studies.surrogate.gaussian_process import Surrogate
from studies.surrogate.kernel import ORDERS, elementary


@dataclass(frozen=True, eq=False)
class Totals:
    """Total effects of the surrogate's mean function, unscaled.

    `variance` is the variance of the function under the declared measure, `total` `(axes,)` what each axis
    explains of it with all its interactions, `excess` `(axes,)` what the posterior's uncertainty adds to
    that on average.
    """

    variance: float
    total: Array
    excess: Array


# Two structures with a weight: the product of the functions that the surrogate is there.
_Products = dict[tuple[int, int], float]


def total_effects(surrogate: Surrogate, seed: int) -> Totals:
    """Measure the variance of the surrogate's mean function, and the total of every axis."""
    domain = surrogate.domain
    forms = _Forms(surrogate, seed)
    everywhere = {(m, m): float(w) for m, w in enumerate(forms.weights)}
    constants, _ = forms.constants()
    spread = float(forms.weights @ constants**2 - (forms.weights @ constants) ** 2)
    variance, _ = forms.squares(everywhere)
    total, excess = np.zeros(len(domain.axes)), np.zeros(len(domain.axes))
    for d, value in forms.holding(everywhere).items():
        total[d], excess[d] = value
    for gate in forms.gates:
        total[gate], excess[gate] = forms.between_options(gate)
    return Totals(max(variance + spread, 0.0), np.maximum(total, 0.0), np.maximum(excess, 0.0))


class _Forms:
    """Inner products of the functions that the surrogate is at combinations of its gates."""

    def __init__(self, surrogate: Surrogate, seed: int) -> None:
        domain, kernel, points = surrogate.domain, surrogate.kernel, surrogate.points
        self._domain = domain
        full = combinations_of(domain, seed)
        self.gates = tuple(sorted({gate for axis in domain.axes for gate in axis.conditions}))
        self._axes = tuple(d for d in kernel.present if d not in self.gates)
        self._index: dict[bytes, int] = {}
        self._rows: list[Array] = []
        rows = [self._place(row) for row in full]
        self._cells = {gate: self._cells_of(gate, full) for gate in self.gates}
        codes = np.array(self._rows)
        active = domain.active(codes)
        structures = Structures(self.gates, codes[:, self.gates], active, np.zeros(len(codes)), {})
        self.weights = np.bincount(rows, minlength=len(codes)) / len(full)
        self._active = active
        features: Features = features_of(kernel, structures)
        self._terms = structural_terms(features, points)
        self._prior = structural_prior(features)
        count = len(domain.axes)
        self._lengths = {
            d: (nodes * domain.axes[d].weights) @ nodes.T
            for d in self._axes
            for nodes in [kernel.axis_term(d, points, _at_nodes(domain.axes[d].nodes, d, count))]
        }
        self._variances = kernel.variances
        self._outer = np.outer(surrogate.weights, surrogate.weights)
        self._inverse = cho_solve((surrogate.cholesky, True), np.eye(len(points)))
        self._solved = surrogate.weights

    def _place(self, row: Array) -> int:
        """Number a combination; ones that differ only in gates that do not exist share their number."""
        active = self._domain.active(row[None, :])[0]
        kept = np.where(active, row, 0.0)
        key = np.concatenate([kept[list(self.gates)], active[list(self.gates)]]).tobytes()
        if key not in self._index:
            self._index[key] = len(self._rows)
            self._rows.append(kept)
        return self._index[key]

    def _cells_of(self, gate: int, full: Array) -> dict[tuple[int, ...], float]:
        """List what the options of a gate lead to where all others are known, with its probability."""
        cells: dict[tuple[int, ...], float] = defaultdict(float)
        for row in full:
            options = []
            for code in range(len(self._domain.axes[gate].nodes)):
                changed = row.copy()
                changed[gate] = code
                options.append(self._place(changed))
            cells[tuple(options)] += 1 / len(full)
        return cells

    def constants(self) -> tuple[Array, Array]:
        """Give the mean of the function in each structure."""
        return self._terms[0] @ self._solved, self._terms[0]

    def between_options(self, gate: int) -> tuple[float, float]:
        """Give the mean variance between the options of a gate, and what uncertainty adds to it."""
        products: _Products = defaultdict(float)
        for options, chance in self._cells[gate].items():
            count = len(options)
            for one in options:
                products[one, one] += chance / count
                for other in options:
                    products[one, other] -= chance / count**2
        value, excess = self.squares(products)
        constants, terms = self.constants()
        for (one, other), weight in products.items():
            value += weight * float(constants[one] * constants[other])
            known = float(terms[one] @ self._inverse @ terms[other])
            excess += weight * (float(self._prior[0][one, other]) - known)
        return value, excess

    def squares(self, products: _Products) -> tuple[float, float]:
        """Sum inner products over every set of one to three axes, and what uncertainty adds to them."""
        value = excess = 0.0
        for axes, gram, prior in self._grouped(products):
            sums = elementary((self._lengths[d] for d in axes), self._outer.shape)
            variances = elementary((np.array(self._variances[d]) for d in axes), ())
            for order in range(1, ORDERS + 1):
                form = gram[order] * sums[order]
                value += float(np.vdot(form, self._outer))
                excess += prior[order] * float(variances[order]) - float(np.vdot(form, self._inverse))
        return value, excess

    def holding(self, products: _Products) -> dict[int, tuple[float, float]]:
        """Sum inner products over the sets that hold an axis, for each axis."""
        found: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for axes, gram, prior in self._grouped(products):
            sums = elementary((self._lengths[d] for d in axes), self._outer.shape)
            variances = elementary((np.array(self._variances[d]) for d in axes), ())
            for d in axes:
                length, own = self._lengths[d], float(self._variances[d])
                # The elementary polynomials of all the other axes.
                first, alone = sums[1] - length, float(variances[1]) - own
                form = length * (gram[1] + gram[2] * first + gram[3] * (sums[2] - length * first))
                added = own * (prior[1] + prior[2] * alone + prior[3] * (float(variances[2]) - own * alone))
                value, excess = found[d]
                found[d] = (
                    value + float(np.vdot(form, self._outer)),
                    excess + added - float(np.vdot(form, self._inverse)),
                )
        return found

    def _grouped(self, products: _Products) -> Iterator[tuple[tuple[int, ...], list[Array], list[float]]]:
        """Put together the pairs of structures in which the same axes exist."""
        groups: dict[tuple[int, ...], list[tuple[int, int, float]]] = defaultdict(list)
        for (one, other), weight in products.items():
            axes = tuple(d for d in self._axes if self._active[one, d] and self._active[other, d])
            if weight and axes:
                groups[axes].append((one, other, weight))
        for axes, members in groups.items():
            left, right = [m[0] for m in members], [m[1] for m in members]
            weights = np.array([m[2] for m in members])
            gram = [(term[left] * weights[:, None]).T @ term[right] for term in self._terms]
            prior = [float(weights @ term[left, right]) for term in self._prior]
            yield axes, gram, prior


def _at_nodes(nodes: Array, axis: int, count: int) -> Array:
    points = np.zeros((len(nodes), 2 * count))
    points[:, axis], points[:, count + axis] = nodes, 1.0
    return points
