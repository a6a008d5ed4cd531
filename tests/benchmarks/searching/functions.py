"""Functions of spaces, drawn by kind and seed, whose optimum a long search finds."""

from collections.abc import Callable

import numpy as np

from search_spaces.space.nodes import Choice, Float, Group
from studies.surrogate.domain import domain_of
from studies.surrogate.integration import Function, quasi_random
from tests.benchmarks.searching.networks_of_ax import networks
from tests.studies.analysis import drawn_functions as drawn
from tests.studies.analysis.known_functions import Known, flat

CLOSE = 1e-3  # of the range between the best value and the median, below which no regret is told apart
OF_AX = ("fashion_mnist", "cifar10")


def valley(seed: int) -> Known:
    """Draw five branches with a valley of their own in two parameters each, along two that all share."""
    random = np.random.default_rng([seed, 31])
    branches = {f"b{i}": Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}) for i in range(5)}
    space = Group({"lr": Float(0.0, 1.0), "wd": Float(0.0, 1.0), "kind": Choice(branches)})
    names = domain_of(space).names
    offsets, places = random.permutation(np.linspace(0, 0.4, 5)), random.random((5, 4))
    shared = random.random(2)
    shift = random.uniform(-0.15, 0.15, 5)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        lr, wd, kind = (u[:, names.index(name)] for name in ("lr", "wd", "kind"))
        total = 2 * (wd - shared[1]) ** 2
        for i in range(5):
            x, y = (u[:, names.index(f"kind.b{i}.{name}")] for name in ("x", "y"))
            along = (x + y - places[i, 0] - places[i, 1]) ** 2 * 4 + 0.5 * (x - places[i, 0]) ** 2
            rate = 6 * (lr - shared[0] - shift[i]) ** 2
            total = total + np.where(kind == i, offsets[i] + along + rate, 0.0)
        return total

    return Known("valley", space, function)


def deceptive(seed: int) -> Known:
    """Draw two branches: one good everywhere, and one worse on the whole and best in a corner."""
    random = np.random.default_rng([seed, 32])
    space = Group(
        {
            "kind": Choice(
                {
                    "easy": Group({"x": Float(0.0, 1.0)}),
                    "hard": Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0), "z": Float(0.0, 1.0)}),
                }
            )
        }
    )
    names = domain_of(space).names
    at = random.uniform(0.15, 0.85, 4)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        easy = 0.3 + 0.3 * (u[:, names.index("kind.easy.x")] - at[3]) ** 2
        places = [u[:, names.index(f"kind.hard.{name}")] for name in "xyz"]
        inside = sum(((place - at[i]) / 0.3) ** 2 for i, place in enumerate(places))
        hard = 0.8 * (1 - np.exp(-0.5 * inside))
        return np.where(u[:, names.index("kind")] == 0, easy, hard)

    return Known("deceptive", space, function)


def hartmann(seed: int) -> Known:
    """Give Hartmann's function of six parameters, shifted by the seed; no branches."""
    scale = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    place = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    weight, order = np.array([1.0, 1.2, 3.0, 3.2]), np.random.default_rng([seed, 33]).permutation(6)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        x = u[:, order]
        hills = zip(weight, scale, place, strict=True)
        return -sum(w * np.exp(-(s * (x - p) ** 2).sum(axis=1)) for w, s, p in hills)

    return Known("hartmann", flat(6), function)


KINDS: dict[str, Callable[[int], Known]] = {
    "valley": valley,
    "deceptive": deceptive,
    "nested": drawn.nested,
    "branches": drawn.branches,
    "sparse": drawn.sparse,
    "narrow": drawn.narrow,
    "smooth": drawn.smooth,
    "hartmann": hartmann,
    "fashion_mnist": lambda _: networks("fashion_mnist"),
    "cifar10": lambda _: networks("cifar10"),
}


def limit_of(known: Known, seed: int) -> Function:
    """Draw how far a place lies beyond a limit, as a cost adds up over parameters; 0 and less keeps it.

    A third of the space keeps it, and the place where the function is best without it does not.
    """
    random, domain = np.random.default_rng([seed, 34]), domain_of(known.space)
    weights = random.standard_normal(len(domain.axes))
    options = [random.standard_normal(len(axis.nodes)) for axis in domain.axes]

    def cost(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        total = np.zeros(len(u))
        for d, axis in enumerate(domain.axes):
            nearest = np.argmin(np.abs(u[:, [d]] - axis.nodes[None, :]), axis=1)
            total += np.where(a[:, d], weights[d] * u[:, d] if axis.ordered else options[d][nearest], 0.0)
        return total

    places = quasi_random(domain, 2**12, 6)
    costs = cost(places, domain.active(places))
    best = optimum(known)[0][None, :]
    sign = 1.0 if cost(best, domain.active(best))[0] > np.median(costs) else -1.0
    bound = float(np.quantile(sign * costs, 1 / 3))
    return lambda u, a: sign * cost(u, a) - bound


def optimum(known: Known, beyond: Function | None = None) -> tuple[np.ndarray, float, float]:
    """Give where a function is best, as far as a long search finds it, its value there, and its median.

    Where there is a limit, only what keeps it counts.
    """
    domain = domain_of(known.space)

    def value(u: np.ndarray) -> np.ndarray:
        active = domain.active(u)
        found = known.function(u, active)
        return found if beyond is None else np.where(beyond(u, active) <= 0, found, np.inf)

    places = quasi_random(domain, 2**15, 5)
    values = value(places)
    middle, random = float(np.median(values[np.isfinite(values)])), np.random.default_rng(1)
    for step in (0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001):
        top = places[np.argsort(values)[:64]]
        around = np.repeat(top, 64, axis=0)
        for d, axis in enumerate(domain.axes):
            if axis.ordered:
                jump = step * random.standard_normal(len(around)) * (random.random(len(around)) < 0.6)
                around[:, d] = np.clip(around[:, d] + jump, 0, 1)
        places = np.vstack([top, around])
        values = value(places)
    best = int(np.argmin(values))
    return places[best], float(values[best]), middle
