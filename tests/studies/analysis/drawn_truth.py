"""What is true of a function drawn at random, by brute force: its shares, and where its best places move."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from studies.surrogate.domain import Domain, domain_of
from studies.surrogate.integration import decompose, quasi_random
from tests.studies.analysis.drawn_functions import uniform
from tests.studies.analysis.known_functions import Known


@dataclass(frozen=True)
class Truth:
    """The exact shares of the axes that the function reads, and of their pairs; all others have none."""

    main: Mapping[str, float]
    total: Mapping[str, float]
    pairs: Mapping[frozenset[str], float]

    def error(
        self,
        main: Mapping[str, float],
        total: Mapping[str, float],
        pairs: Mapping[frozenset[str], float],
    ) -> tuple[float, float, float]:
        """Give the largest error of a main share, of a total and of a pair."""
        return (
            max(abs(main[name] - self.main.get(name, 0.0)) for name in main),
            max(abs(total[name] - self.total.get(name, 0.0)) for name in total),
            max((abs(pairs[names] - self.pairs.get(names, 0.0)) for names in pairs), default=0.0),
        )


def read_axes(case: Known) -> list[int]:
    """Find by trying which axes a function reads."""
    domain = domain_of(case.space)
    drawn, active = uniform(case, 2048)
    before = case.function(drawn, active)
    # Not a second scrambling of the same sequence, which may hold the same options in the same order.
    other = drawn[np.random.default_rng(1).permutation(2048)]
    found = []
    for d in range(len(domain.axes)):
        moved = drawn.copy()
        moved[:, d] = other[:, d]
        if np.any(case.function(moved, domain.active(moved)) != before):
            found.append(d)
    return found


def truth_of(
    case: Known, change: Callable[[np.ndarray], np.ndarray] = lambda y: y, points: int | None = None
) -> Truth:
    """Measure the exact shares by brute force: pick and freeze on the exact function.

    Args:
        case: the function.
        change: the scale on which it is analysed; a function whose shares have a formula has none.
        points: quasi-random points; by default more where there are options, three of which no power of two
            gives alike often.
    """
    domain, axes = domain_of(case.space), read_axes(case)
    points = points or (2**14 if all(axis.ordered for axis in domain.axes) else 2**17)
    base = quasi_random(domain, 1, 0)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        whole = np.repeat(base, len(u), axis=0)
        whole[:, axes] = u
        return change(case.function(whole, domain.active(whole)))

    part = Domain(tuple(replace(domain.axes[d], conditions={}) for d in axes))
    if case.exact is not None:
        found = decompose(function, part, points=points, pairs=False)
        main = {names[0]: share for names, share in case.exact.items() if len(names) == 1}
        pairs = {frozenset(names): share for names, share in case.exact.items() if len(names) > 1}
        return Truth(main, found.total, pairs)
    found = decompose(function, part, points=points)
    return Truth(found.main, found.total, {frozenset(names): share for names, share in found.pairs.items()})


def true_movement(case: Known, first: int, second: int, ends: tuple[float, float]) -> float:
    """Give how far the best place on one axis moves between two places on another, all else averaged.

    Where several places are as good as the best one, up to a thousandth of what the axis makes there, the
    smallest movement counts.
    """
    domain = domain_of(case.space)
    drawn, _ = uniform(case, 2048)
    kept = drawn[domain.active(drawn)[:, [first, second]].all(axis=1)][:512]
    places = np.linspace(0, 1, 61)
    good = []
    for end in ends:
        points = np.repeat(kept, len(places), axis=0)
        points[:, first], points[:, second] = np.tile(places, len(kept)), end
        scores = case.function(points, domain.active(points)).reshape(len(kept), -1).mean(axis=0)
        good.append(places[scores <= scores.min() + 1e-3 * np.ptp(scores) + 1e-12])
    moves = good[1][None, :] - good[0][:, None]
    return float(moves.ravel()[np.argmin(np.abs(moves))])
