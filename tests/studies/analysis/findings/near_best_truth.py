"""What is true near the best of a known function, by brute force on the function itself."""

from collections.abc import Mapping

import numpy as np

from studies.surrogate.domain import domain_of
from studies.surrogate.integration import quasi_random
from tests.studies.analysis.known_functions import Known


def shares_of_best_tenth(
    case: Known, points: int = 2**16, bases: int = 2000, places: int = 257
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Give the main and total shares within the best tenth of the space, each by the name of a parameter.

    Alone: variance between 64 groups of alike places. With all: the variance of what is good on lines.
    """
    domain = domain_of(case.space)
    drawn = quasi_random(domain, points, 7)
    active, scores = domain.active(drawn), case.function(drawn, domain.active(drawn))
    level = np.quantile(scores, 0.1)
    inside = np.flatnonzero(scores <= level)
    good = scores[inside]
    whole = float(good.var()) or np.inf  # where all that is good is equally good nothing explains it
    chosen = np.random.default_rng(0).choice(inside, min(bases, len(inside)), replace=False)
    main, total = {}, {}
    for d, axis in enumerate(domain.axes):
        at = np.where(active[inside, d], drawn[inside, d], -1)
        ranks = np.argsort(np.argsort(at))
        groups = np.unique(at, return_inverse=True)[1] if axis.is_discrete else ranks * 64 // len(at)
        sizes = np.bincount(groups)
        means = np.bincount(groups, good) / np.maximum(sizes, 1)
        between, used = float(np.sum(sizes * (means - good.mean()) ** 2)), int(np.sum(sizes > 0))
        within = (float(good.var()) * len(good) - between) / (len(good) - used)
        main[axis.name] = (between - (used - 1) * within) / (whole * len(good))
        line = axis.nodes if axis.is_discrete else (np.arange(places) + 0.5) / places
        moved = np.repeat(drawn[chosen], len(line), axis=0)
        moved[:, d] = np.tile(line, len(chosen))
        along = case.function(moved, domain.active(moved)).reshape(len(chosen), -1)
        weights = (along <= level) * (axis.weights if axis.is_discrete else np.full(places, 1 / places))
        mass = np.maximum(weights.sum(axis=1), 1e-12)
        middle = np.sum(weights * along, axis=1) / mass
        spread = np.sum(weights * (along - middle[:, None]) ** 2, axis=1) / mass
        total[axis.name] = float(spread.mean()) / whole
    return main, total


def loss_of_fixing(case: Known, held: Mapping[str, float], points: int = 2**17) -> tuple[float, float]:
    """Give by how much the least value with axes held at coordinates is above the least, and the range."""
    domain = domain_of(case.space)
    drawn = quasi_random(domain, points, 3)
    free = case.function(drawn, domain.active(drawn))
    for name, place in held.items():
        drawn[:, domain.names.index(name)] = place
    fixed = case.function(drawn, domain.active(drawn))
    return max(float(fixed.min() - free.min()), 0.0), float(np.ptp(free))
