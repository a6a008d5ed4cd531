"""Places of trials in the cube of coordinates, and steps from one to others."""

from collections.abc import Sequence

import numpy as np

from search_spaces.space.nodes import Value
from studies.surrogate.domain import Array, Domain, Mask, coordinate, on_values, value_at
from studies.trials.record import TrialRecord

CHANGED = 0.35  # share of the parameters that a step changes
OPTION_CHANGED = 0.5  # share of these where the parameter is a choice
SAME = 1e-3  # of a range, within which a trial is the same as another


def moved(domain: Domain, places: Array, step: float, random: np.random.Generator) -> Array:
    """Move some coordinates of each place: by a step on a range, to any option of a choice."""
    changed = places.copy()
    count = len(domain.axes)
    for d, axis in enumerate(domain.axes):
        chosen = random.random(len(places)) < max(CHANGED, 1.5 / count)
        if axis.ordered and len(axis.nodes) > 1:
            there = np.clip(places[:, d] + step * random.standard_normal(len(places)), 0.0, 1.0)
            if axis.is_discrete:
                there = axis.nodes[np.argmin(np.abs(there[:, None] - axis.nodes[None, :]), axis=1)]
        else:
            there = random.choice(axis.nodes, len(places))
            chosen &= random.random(len(places)) < OPTION_CHANGED
        changed[:, d] = np.where(chosen, there, places[:, d])
    return changed


def snapped(domain: Domain, places: Array) -> Array:
    """Move the coordinates of whole numbers to those of the values that they stand for."""
    return np.column_stack([on_values(axis, places[:, d]) for d, axis in enumerate(domain.axes)])


def is_new(domain: Domain, places: Array, tried: Array) -> Mask:
    """Say which places differ from every trial by more than a thousandth of some range that both have."""
    active, there = domain.active(places), domain.active(tried)
    alike: dict[bytes, list[int]] = {}  # trials by what exists in them
    for row, mask in enumerate(there):
        alike.setdefault(mask.tobytes(), []).append(row)
    fresh = np.ones(len(places), dtype=bool)
    for row, mask in enumerate(active):
        same = alike.get(mask.tobytes())
        if same is not None:
            apart = np.abs(tried[same][:, mask] - places[row, mask]) > SAME
            fresh[row] = apart.any(axis=1).all()
    return fresh


def places_of(domain: Domain, records: Sequence[TrialRecord]) -> Array:
    """Give the coordinates of trials, `(n, axes)`; where an axis does not exist, its first node."""
    places = np.tile([axis.nodes[0] for axis in domain.axes], (len(records), 1))
    for row, record in enumerate(records):
        for d, axis in enumerate(domain.axes):
            at = coordinate(axis, record.values[axis.name]) if axis.name in record.values else None
            if at is not None:
                places[row, d] = at
    return places


def values_of(domain: Domain, place: Array) -> dict[str, Value]:
    """Give the values of the parameters that exist at a place `(1, axes)`."""
    active = domain.active(place)[0]
    return {axis.name: value_at(axis, float(place[0, d])) for d, axis in enumerate(domain.axes) if active[d]}
