"""The best score so far, and how much of its course was luck."""

from dataclasses import dataclass

import numpy as np

from studies.analysis.observations.table import Table

RESAMPLES = 500
BAND = (0.05, 0.95)


@dataclass(frozen=True)
class BestSoFar:
    """The best score after each trial, in the order of trial numbers.

    `low` and `high` bound 90 % of the courses that studies of as many trials, drawn from these with
    replacement and put in any order, would have taken.
    """

    numbers: tuple[int, ...]
    best: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def best_so_far(table: Table, *, seed: int = 0) -> BestSoFar:
    """Follow the best score; pruned and diverged trials spend a place and improve nothing."""
    order = np.argsort(table.numbers, kind="stable")
    loss = np.where(table.completed, table.loss, np.inf)[order]
    draws = np.random.default_rng(seed).integers(0, len(loss), (RESAMPLES, len(loss)))
    courses = np.minimum.accumulate(loss[draws], axis=1)
    # Courses that have completed nothing yet count as the worst: a quantile between them and a number would
    # be no number.
    courses = np.where(np.isfinite(courses), courses, table.loss.max())
    course = np.minimum.accumulate(loss)
    course = np.where(np.isfinite(course), course, table.loss.max())
    low, high = np.quantile(courses, BAND, axis=0)
    sign = 1.0 if table.minimize else -1.0
    if not table.minimize:
        low, high = high, low
    return BestSoFar(
        tuple(table.numbers[i] for i in order),
        *(tuple(float(sign * value) for value in values) for values in (course, low, high)),
    )
