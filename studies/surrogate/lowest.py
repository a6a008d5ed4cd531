"""Where functions drawn from a posterior are least, with some parameters held."""

from collections.abc import Mapping

import numpy as np

from studies.surrogate.domain import Array
from studies.surrogate.drawn import DrawnFunctions, Lines, knots_of

STARTS = 4  # for each function
ROUNDS = 6  # over all axes at most


def lowest(drawn: DrawnFunctions, places: Array, held: Mapping[int, float]) -> tuple[Array, Array]:
    """Find the least value of each function by moving one coordinate at a time.

    The search begins from the best of some places, several for each function, and takes the best knot of one
    axis after another until no axis gains anything.

    Args:
        drawn: the functions.
        places: where the search may begin, `(m, axes)`.
        held: the coordinate at which an axis is held, where it exists.

    Returns:
        The least values `(functions,)`, and where they are `(functions, axes)`.
    """
    begin = places.copy()
    for axis, place in held.items():
        begin[:, axis] = place
    values = drawn.at(begin)
    count = values.shape[1]
    best = np.argsort(values, axis=0, kind="stable")[:STARTS]
    functions = np.tile(np.arange(count), len(best))
    rows = best.ravel()
    lines, reached = Lines(drawn, begin[rows]), values[rows, functions]
    for _ in range(ROUNDS):
        before = reached.copy()
        for axis in range(len(drawn.domain.axes)):
            if axis in held or not lines.matters(axis):
                continue
            along = lines.along_own(axis, functions)
            chosen = np.argmin(along, axis=1)
            found = along[np.arange(len(chosen)), chosen]
            better = found < reached - 1e-9
            knots = knots_of(drawn.domain.axes[axis])[chosen]
            if better.any():
                lines.move(axis, np.where(better, knots, lines.coordinates[:, axis]))
                reached = np.where(better, found, reached)
        if np.all(before - reached < 1e-6):  # noqa: PLR2004 - of a deviation of the scores
            break
    least = reached.reshape(-1, count)
    chosen = np.argmin(least, axis=0)
    where = lines.coordinates.reshape(len(best), count, -1)[chosen, np.arange(count)]
    return least[chosen, np.arange(count)], where
