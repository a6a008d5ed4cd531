"""Narrower ranges for a next study: where the best configuration surely lies.

A study that repeats the whole space spends most of its trials where this one has found nothing good. A
range is narrowed only to where functions drawn from the posteriors have their best configuration, with a
margin on both sides: of the surrogate of all scores, and of those that look at the better ones alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from search_spaces.space.nodes import Float
from studies.analysis.findings.near_best import Better
from studies.analysis.observations.table import Table
from studies.analysis.shares.importance import Fitted
from studies.surrogate.domain import Array, Mask, value_at
from studies.surrogate.gaussian_process import points_of
from studies.surrogate.integration import quasi_random

SPREAD_POINTS = 256  # over the whole space, a power of two
BEST = 10  # trials around which more points lie
AROUND = 30  # points around each
STEPS = (0.15, 0.05)  # of the range, by which these are moved
DRAWS = 100  # from each posterior
LEAST_MARGIN = 0.12  # of the range, on each side
MARGIN = 0.5  # of how far the best places spread, on each side
WORSE = 0.05  # of the range of the better scores: what is left out must be that much worse on average
WORTH = 0.6  # of the range that is left, up to which it is worth a word


@dataclass(frozen=True)
class Narrowed:
    """A range and the part of it, `low` to `high`, in which the best configuration surely lies."""

    name: str
    low: float
    high: float


def narrower_ranges(
    table: Table, fitted: Fitted, near: tuple[Better, ...], *, seed: int = 0
) -> tuple[Narrowed, ...]:
    """Find the real ranges that can be narrowed without losing the best configuration.

    Args:
        table: the trials, on the scale of the analysis.
        fitted: what `fit_table` made of them.
        near: the analysis among the better trials.
        seed: of the points and draws.
    """
    places = _places(table, seed)
    active = table.domain.active(places)
    drawn = [_drawn(each, places, seed) for each in (fitted, *(better.fitted for better in near))]
    chosen = np.concatenate([np.argmin(each, axis=0) for each in drawn])
    reach = near[0].level - float(table.loss[table.completed].min())
    found = []
    for column, axis in enumerate(table.domain.axes):
        node = axis.parameter.node
        # A prior says more of a range than its ends do, so such a range stays.
        if not isinstance(node, Float) or node.low == node.high or node.prior is not None:
            continue
        there = chosen[active[chosen, column]]
        # On a branch that is the best one only now and then, nothing is known of the best value there.
        if len(there) < len(chosen) / 2:
            continue
        low, high = float(places[there, column].min()), float(places[there, column].max())
        margin = max(LEAST_MARGIN, MARGIN * (high - low))
        low, high = max(low - margin, 0.0), min(high + margin, 1.0)
        outside = active[:, column] & ((places[:, column] < low) | (places[:, column] > high))
        if high - low <= WORTH and outside.any() and min(map(_cost(outside), drawn)) >= WORSE * reach:
            ends = [node.low if low == 0 else _round(value_at(axis, float(low)))]
            ends.append(node.high if high == 1 else _round(value_at(axis, float(high))))
            found.append(Narrowed(axis.name, *ends))
    return tuple(found)


def _round(value: object) -> float:
    return float(f"{float(value):.2g}")  # type: ignore[arg-type] # the value of a real range


def _places(table: Table, seed: int) -> Array:
    domain, random = table.domain, np.random.default_rng(seed)
    best = np.argsort(np.where(table.completed, table.loss, np.inf), kind="stable")[:BEST]
    around = np.repeat(table.coordinates[best], AROUND, axis=0)
    moves = np.array([axis.ordered and not axis.is_discrete for axis in domain.axes])
    step = np.resize(STEPS, len(around))[:, None]
    moved = np.clip(around + step * random.standard_normal(around.shape), 0, 1)
    # Some coordinates stay, so that a single one is tried as well.
    around = np.where(moves & (random.random(around.shape) < 0.5), moved, around)  # noqa: PLR2004 - every other
    return np.vstack([quasi_random(domain, SPREAD_POINTS, seed), table.coordinates[best], around])


def _cost(outside: Mask) -> Callable[[Array], float]:
    """Give what leaving a part of the places costs each of some functions, on average."""
    return lambda drawn: float(np.mean(drawn[outside].min(axis=0) - drawn.min(axis=0)))


def _drawn(fitted: Fitted, places: Array, seed: int) -> Array:
    """Draw functions from a posterior: `(places, draws)`, in the unit of the loss."""
    order = list(fitted.order)
    points = points_of(places[:, order], fitted.surrogate.domain.active(places[:, order]))
    mean, covariance = fitted.surrogate.posterior(points)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = np.random.default_rng(seed).standard_normal((len(values), DRAWS))
    drawn = mean[:, None] + vectors @ (np.sqrt(np.maximum(values, 0))[:, None] * normal)
    return np.asarray(fitted.surrogate.scale * drawn)
