"""Functional ANOVA of the surrogate in closed form: the function of each parameter and each pair.

For a set v of parameters the effect is f_v(x_v) = E[f | x_v] less the effects of its subsets, under the
declared measure (Hoeffding's decomposition; Hutter, Hoos and Leyton-Brown 2014). The kernel is a polynomial
in terms of single axes, so the expectation over every other axis is exact but for one thing: axes that decide
whether others exist ("gates") couple them. Those are few and have few values: their combinations are listed,
or, where there are too many, drawn quasi-randomly.
"""

from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from studies.surrogate.domain import Array, Domain, Mask
from studies.surrogate.kernel import ABSENT, ORDERS, ConditionalKernel, axis_covariance, elementary

MOST_STRUCTURES = 512  # combinations of gates listed before they are drawn instead
SHARE_OF_TRACE = 1 - 1e-4  # of an axis's prior variance that its features keep; of a pair's its products


@dataclass(frozen=True, eq=False)
class Structures:
    """The combinations of gates.

    `gates` are the axes that others depend on, `codes` `(m, gates)` their coordinates, `active` `(m, axes)`
    what exists there, `weights` `(m,)` the declared probabilities. `indicators[c]` `(options, m)` holds the
    probabilities once gate c is known.
    """

    gates: tuple[int, ...]
    codes: Array
    active: Mask
    weights: Array
    indicators: dict[int, Array]


@dataclass(frozen=True, eq=False)
class Component:
    """An effect as `(structural functions) x (features of axes)`.

    `rows` `(q, m)` are q functionals over the structures, `axes` the axes without dependents that the effect
    runs along. The effect's variance is the squared length of its `q * features` coefficients.
    """

    members: tuple[int, ...]
    rows: Array
    axes: tuple[int, ...]


def structures_of(domain: Domain, seed: int) -> Structures:
    """List or draw the combinations of the gates of a domain."""
    gates = gates_of(domain)
    merged, active, weights = _merged(domain, gates, combinations_of(domain, seed))
    indicators = {}
    for place, gate in enumerate(gates):
        size = len(domain.axes[gate].nodes)
        here = (merged[None, :, place] == np.arange(size)[:, None]) * size
        indicators[gate] = np.where(active[None, :, gate], here, 1.0)
    return Structures(gates, merged, active, weights, indicators)


def gates_of(domain: Domain) -> tuple[int, ...]:
    """Give the axes on which others depend, in the order of the domain."""
    return tuple(sorted({gate for axis in domain.axes for gate in axis.conditions}))


def combinations_of(domain: Domain, seed: int) -> Array:
    """Give the combinations of the gates, all alike likely, as rows of coordinates `(m, axes)`."""
    gates = gates_of(domain)
    sizes = [len(domain.axes[gate].nodes) for gate in gates]
    full = np.zeros((1, len(domain.axes)))
    if gates and prod(sizes) <= 64 * MOST_STRUCTURES:
        grid = np.stack(np.meshgrid(*[np.arange(size) for size in sizes], indexing="ij"), axis=-1).reshape(
            -1, len(gates)
        )
        full = np.zeros((len(grid), len(domain.axes)))
        full[:, gates] = grid
    if len(_merged(domain, gates, full)[0]) > MOST_STRUCTURES or (
        gates and prod(sizes) > 64 * MOST_STRUCTURES
    ):
        drawn = qmc.Sobol(len(gates), scramble=True, rng=seed).random(MOST_STRUCTURES)
        full = np.zeros((MOST_STRUCTURES, len(domain.axes)))
        full[:, gates] = np.floor(drawn * np.array(sizes))
    return full


def _merged(domain: Domain, gates: tuple[int, ...], full: Array) -> tuple[Array, Mask, Array]:
    """Merge combinations that differ only in gates that do not exist."""
    active = domain.active(full)
    codes = np.where(active, full, 0.0)[:, gates]
    keys = np.hstack([codes, active[:, gates]])
    _, first, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
    return codes[first], active[first], counts / len(full)


def components_of(domain: Domain, structures: Structures) -> list[Component]:
    """List the effects of every parameter and of every pair, in the order of the axes."""
    everywhere = structures.weights[None, :]
    conditional = {gate: _given(structures, (gate,)) for gate in structures.gates}
    found = []
    for d in range(len(domain.axes)):
        if d in conditional:
            found.append(Component((d,), _centred(conditional[d], (0,)), ()))
        else:
            found.append(Component((d,), everywhere, (d,)))
    for d, e in combinations(range(len(domain.axes)), 2):
        gates = tuple(axis for axis in (d, e) if axis in conditional)
        others = tuple(axis for axis in (d, e) if axis not in conditional)
        if not gates:
            rows = everywhere
        elif len(gates) == 1:
            rows = _centred(conditional[gates[0]], (0,))
        else:
            rows = _centred(_given(structures, gates), (0, 1))
        found.append(Component((d, e), rows, others))
    return found


def _given(structures: Structures, gates: tuple[int, ...]) -> Array:
    """Give the structures' probabilities at each option of one or two gates: `(options[, options], m)`."""
    rows = structures.weights * structures.indicators[gates[0]]
    if len(gates) > 1:
        rows = rows[:, None, :] * structures.indicators[gates[1]][None, :, :]
    mass = rows.sum(axis=-1, keepdims=True)
    given: Array = np.divide(
        rows, mass, out=np.broadcast_to(structures.weights, rows.shape).copy(), where=mass > 0
    )
    return given


def _centred(rows: Array, along: tuple[int, ...]) -> Array:
    """Take out the mean over each gate's options, and scale so that squares sum to a mean over them."""
    for axis in along:
        rows = rows - rows.mean(axis=axis, keepdims=True)
    flat: Array = rows.reshape(-1, rows.shape[-1])
    scaled: Array = flat / np.sqrt(len(flat))
    return scaled


@dataclass(frozen=True, eq=False)
class Features:
    """Everything about a kernel that its effects need.

    For an axis d, `basis[d]` `(features, nodes)` maps a function on the axis's nodes to orthonormal
    coefficients, whose prior variances are `spectrum[d]`. `structural[s]` holds the polynomials that multiply
    s axis terms.
    """

    kernel: ConditionalKernel
    structures: Structures
    basis: dict[int, Array]
    spectrum: dict[int, Array]


def features_of(kernel: ConditionalKernel, structures: Structures) -> Features:
    """Prepare a kernel's effects."""
    basis, spectrum = {}, {}
    variances, lengths = kernel.variances, kernel.lengths
    for d, axis in enumerate(kernel.axes):
        if d in structures.gates:
            continue
        root = np.sqrt(axis.weights)
        among = axis_covariance(axis, lengths[d], axis.nodes, axis.nodes)
        values, vectors = np.linalg.eigh(root[:, None] * among * root[None, :])
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        kept = 1 + int(np.searchsorted(np.cumsum(values), SHARE_OF_TRACE * values.sum()))
        basis[d] = vectors[:, :kept].T * root
        spectrum[d] = variances[d] * values[:kept]
    return Features(kernel, structures, basis, spectrum)


def structural_terms(features: Features, points: Array) -> list[Array]:
    """Sum all that multiplies none, one, two and three axis terms between structures and points.

    Returns:
        For each of these numbers of axis terms a `(m, n)` array.
    """
    structures, kernel = features.structures, features.kernel
    count, gates = len(kernel.axes), structures.gates
    terms = []
    for place, gate in enumerate(gates):
        if kernel.variances[gate] <= ABSENT:
            continue
        covariance = axis_covariance(kernel.axes[gate], 1.0, structures.codes[:, place], points[:, gate])
        both = np.outer(structures.active[:, gate], points[:, count + gate])
        terms.append(float(kernel.variances[gate]) * both * covariance)
    return _by_order(kernel, elementary(terms, (len(structures.weights), len(points))))


def _by_order(kernel: ConditionalKernel, sums: list[Array]) -> list[Array]:
    weights = kernel.order_weights
    return [sum(weights[r] * sums[r - s] for r in range(s, ORDERS + 1)) for s in range(ORDERS + 1)]


def structural_prior(features: Features) -> list[Array]:
    """The same between each structure and each structure; each `(m, m)`."""
    structures = features.structures
    count = len(features.kernel.axes)
    points = np.zeros((len(structures.weights), 2 * count))
    points[:, structures.gates] = structures.codes
    points[:, count:] = structures.active
    return structural_terms(features, points)


def axis_features(features: Features, points: Array) -> dict[int, Array]:
    """Give the covariance of each axis's coefficients with points, `(features, n)` for an axis."""
    kernel, count = features.kernel, len(features.kernel.axes)
    variances, lengths = kernel.variances, kernel.lengths
    return {
        d: features.basis[d]
        @ (variances[d] * axis_covariance(kernel.axes[d], lengths[d], kernel.axes[d].nodes, points[:, d]))
        * points[:, count + d]
        for d in features.basis
    }


def products_of(component: Component, features: Features) -> tuple[NDArray[np.intp], ...]:
    """Choose the products of its axes' features that an effect is written in, as places for each axis.

    Of two axes most products have next to no prior variance.
    """
    sizes = tuple(len(features.spectrum[axis]) for axis in component.axes)
    variances = np.ones(())
    for axis in component.axes:
        variances = np.multiply.outer(variances, features.spectrum[axis])
    falling = np.argsort(-variances.ravel(), kind="stable")
    sums = np.cumsum(variances.ravel()[falling])
    kept = falling[: 1 + int(np.searchsorted(sums, SHARE_OF_TRACE * sums[-1]))]
    return np.unravel_index(np.sort(kept), sizes) if sizes else ()


def _gated_rows(component: Component, structures: Structures) -> Array:
    exists = structures.active[:, component.axes].all(axis=1)
    return component.rows * exists


def covariance_with(
    component: Component,
    features: Features,
    products: tuple[NDArray[np.intp], ...],
    structural: list[Array],
    along: dict[int, Array],
) -> Array:
    """Give the prior covariance of an effect's coefficients with points, `(coefficients, n)`.

    Args:
        component: the effect.
        features: the kernel's.
        products: `products_of` the effect.
        structural: `structural_terms` at the points.
        along: `axis_features` at the points.
    """
    covariance = _gated_rows(component, features.structures) @ structural[len(component.axes)]
    if not products:
        return covariance
    terms = [along[axis][places] for axis, places in zip(component.axes, products, strict=True)]
    product = terms[0] if len(terms) == 1 else terms[0] * terms[1]
    return np.asarray((covariance[:, None, :] * product).reshape(-1, covariance.shape[-1]))


def prior_covariance(
    component: Component,
    features: Features,
    products: tuple[NDArray[np.intp], ...],
    structural: list[Array],
) -> Array:
    """Give the prior covariance of an effect's coefficients; `structural` is `structural_prior`."""
    rows = _gated_rows(component, features.structures)
    covariance: Array = rows @ structural[len(component.axes)] @ rows.T
    if not products:
        return covariance
    spectra = [features.spectrum[axis][places] for axis, places in zip(component.axes, products, strict=True)]
    return np.asarray(np.kron(covariance, np.diag(np.prod(spectra, axis=0))), dtype=np.float64)
