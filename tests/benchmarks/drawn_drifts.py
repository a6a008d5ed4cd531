"""Whether a drift that a report tells of a drawn study is there, and one that is there is told.

A drift is that of the best value of one range along another, all else averaged, between a twelfth of the
other's range and eleven twelfths of it. A function has none where no two of its ranges have one; a drift of a
decade is a quarter of a range of four decades.
"""

from itertools import combinations
from typing import Any

import numpy as np

from studies.analysis.findings.drift import NEAR_END, drift_of
from studies.analysis.shares.importance import Fitted, Importance
from studies.analysis.views import LEAST_PAIR, MOST_PAIRS, is_range, is_shown
from studies.surrogate.domain import domain_of
from tests.studies.analysis.drawn_truth import Truth, read_axes, true_movement
from tests.studies.analysis.known_functions import Known

NONE = 0.02  # of a range: a smaller movement is none
DECADE = 0.25  # of a range of four decades


def drifts_of(case: Known, fitted: Fitted, result: Importance, truth: Truth) -> dict[str, Any]:
    """Compare the drifts that a report would tell with the exact ones.

    Returns:
        `drifts told`, for each one how far the best place truly moves in the direction told, in ranges;
        `decades`, for each true drift of a decade or more of a pair that interacts whether it is told so;
        `any drift`, whether the function has one at all.
    """
    domain = fitted.surrogate.domain
    ranges = [axis.name for axis in domain.axes if is_range(axis)]
    place = {effect.names[0]: i for i, effect in enumerate(result.main)}
    told = {}
    for effect in [effect for effect in result.pairs if is_shown(effect)][:MOST_PAIRS]:
        first, second = sorted(effect.names, key=place.__getitem__)
        if {first, second} <= set(ranges):
            drift = drift_of(fitted, first, second)
            if drift.moves:
                start, end = (float(drift.best[at]) for at in drift.ends)
                told[first, second] = 1.0 if end > start else -1.0
    columns = {name: column for column, name in enumerate(_names(case))}
    read = {_names(case)[axis] for axis in read_axes(case)}
    moved = {}
    for pair in combinations(ranges, 2):
        first, second = sorted(pair, key=place.__getitem__)
        if (first, second) in told or truth.pairs.get(frozenset(pair), 0.0) >= LEAST_PAIR:
            both = {first, second} <= read
            moved[first, second] = (
                true_movement(case, columns[first], columns[second], (NEAR_END, 1 - NEAR_END))
                if both
                else 0.0
            )
    return {
        "drifts told": [moved[pair] * sign for pair, sign in told.items()],
        "decades": [
            int(pair in told and np.sign(move) == told[pair])
            for pair, move in moved.items()
            if abs(move) >= DECADE and truth.pairs.get(frozenset(pair), 0.0) >= LEAST_PAIR
        ],
        "any drift": any(abs(move) > NONE for move in moved.values()),
    }


def _names(case: Known) -> tuple[str, ...]:
    return domain_of(case.space).names


def drift_cell(mine: list[dict[str, Any]]) -> str:
    """Write what a family's records say: functions without a drift that were given one, decades told."""
    known = [record for record in mine if "any drift" in record]
    without = [record for record in known if not record["any drift"]]
    false = sum(bool(record["drifts told"]) for record in without)
    told = [move for record in known for move in record["drifts told"]]
    decades = [hit for record in known for hit in record["decades"]]
    wrong = sum(move < NONE for move in told)
    return f"{false} of {len(without)}; {wrong} of {len(told)}; {sum(decades)} of {len(decades)}"
