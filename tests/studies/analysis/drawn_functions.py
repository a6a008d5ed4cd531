"""Functions drawn at random, of many kinds.

Every draw is repeatable by its seed. A kind is a function of a seed that gives a `Known`; its numbers
(widths, places, which axes matter) are drawn, so that no rule can be fitted to one example.
"""

from collections.abc import Callable, Mapping

import numpy as np

from search_spaces.space.nodes import Choice, Float, Group
from studies.surrogate.domain import domain_of
from studies.surrogate.integration import quasi_random
from tests.studies.analysis.known_functions import Known, flat, random_conditional, random_flat, random_line

Draw = np.random.Generator
Kind = Callable[[int], Known]
CHANCE = 0.1  # accuracy of a network that learnt nothing, of ten classes


def _inner(generator: Draw, axes: list[int]) -> Callable[[np.ndarray], np.ndarray]:
    """Draw a function of a few axes between 0 and 1: a sum of lines and one product."""
    lines = [(d, random_line(generator), generator.uniform(0.4, 1.0)) for d in axes]
    pair = [(d, random_line(generator)) for d in axes[:2]]
    weight = generator.choice([0.0, 0.8])

    def function(u: np.ndarray) -> np.ndarray:
        total = sum(w * line(u[:, d]) for d, line, w in lines)
        total = total + weight * np.prod([line(u[:, d]) for d, line in pair], axis=0)
        return 1 / (1 + np.exp(-1.5 * total))

    return function


def smooth(seed: int) -> Known:
    """Draw a smooth function of three to six parameters and up to three idle ones."""
    drawn, idle = random_flat(seed), int(np.random.default_rng([seed, 11]).integers(0, 4))
    return Known("smooth", flat(len(drawn.space.children) + idle), drawn.function)


def plateau(seed: int) -> Known:
    """Draw a function that is flat over large parts of the space."""
    generator = np.random.default_rng([seed, 12])
    count = int(generator.integers(3, 6))
    inner = _inner(generator, list(range(count - 1)))
    sample = inner(generator.random((4000, count)))
    low, high = np.quantile(sample, [generator.uniform(0.1, 0.3), generator.uniform(0.55, 0.8)])
    return Known("plateau", flat(count), lambda u, _: np.clip(inner(u), low, high))


def cliff(seed: int) -> Known:
    """Draw an accuracy that falls to chance beyond a line in one or two parameters."""
    generator = np.random.default_rng([seed, 13])
    count = int(generator.integers(3, 7))
    inner = _inner(generator, list(range(count - 1)))
    second = generator.choice([0.0, 0.5, 1.0])
    sample = generator.random((4000, count))
    edge = np.quantile(sample[:, 0] + second * sample[:, 1], generator.uniform(0.6, 0.9))
    top, reach = generator.uniform(0.8, 0.98), generator.uniform(0.05, 0.4)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.where(u[:, 0] + second * u[:, 1] > edge, 1 - CHANCE, 1 - top + reach * inner(u))

    return Known("cliff", flat(count), function)


def narrow(seed: int) -> Known:
    """Draw an error rate that is low only in a narrow range of one parameter, where others decide."""
    generator = np.random.default_rng([seed, 14])
    count = int(generator.integers(3, 6))
    inner = _inner(generator, list(range(1, count - 1)) or [1])
    centre, width = generator.uniform(0.2, 0.8), generator.uniform(0.05, 0.15)
    reach = generator.uniform(0.2, 0.5)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        gate = np.exp(-(((u[:, 0] - centre) / width) ** 2))
        return 0.9 - gate * (0.8 - reach * inner(u))

    return Known("narrow", flat(count), function)


def gate(seed: int) -> Known:
    """Draw a product of a narrow bump and a line, which has next to no effect of the bump alone."""
    generator = np.random.default_rng([seed, 15])
    centre, width = generator.uniform(0.2, 0.8), generator.uniform(0.05, 0.2)
    shift, idle = generator.uniform(-0.2, 0.2), int(generator.integers(0, 3))

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.exp(-(((u[:, 0] - centre) / width) ** 2)) * (2 * u[:, 1] - 1 + shift)

    return Known("gate", flat(2 + idle), function)


def steps(seed: int) -> Known:
    """Draw an error rate counted on 360 images."""
    generator = np.random.default_rng([seed, 16])
    inside = [smooth, cliff, narrow][generator.integers(3)](seed)
    drawn = inside.function(*uniform(inside, 4096))
    low, high = float(drawn.min()), float(drawn.max())
    reach = generator.uniform(0.03, 0.6)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        rate = 0.02 + reach * (inside.function(u, a) - low) / (high - low)
        return np.round(360 * rate) / 360

    return Known("steps", inside.space, function)


def three_way(seed: int) -> Known:
    """Draw a product of three lines, with weak effects beside."""
    generator = np.random.default_rng([seed, 17])
    count, weak = int(generator.integers(3, 6)), generator.uniform(0.0, 0.4)
    centres = generator.uniform(0.3, 0.7, 3)
    line = random_line(generator)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return 4 * np.prod(2 * (u[:, :3] - centres), axis=1) + weak * line(u[:, 0])

    return Known("three-way", flat(count), function)


def sparse(seed: int) -> Known:
    """Draw a function of five out of forty parameters."""
    generator = np.random.default_rng([seed, 18])
    active = [int(d) for d in generator.choice(40, 5, replace=False)]
    lines = [(d, random_line(generator), generator.uniform(0.5, 1.5)) for d in active]
    pair = [(d, random_line(generator)) for d in active[:2]]

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return sum(w * line(u[:, d]) for d, line, w in lines) + np.prod(
            [line(u[:, d]) for d, line in pair], axis=0
        )

    return Known("sparse", flat(40), function)


def nested(seed: int) -> Known:
    """Draw a tree of choices two deep."""
    drawn = random_conditional(seed)
    return Known("nested", drawn.space, drawn.function, drawn.exact)


def branches(seed: int) -> Known:
    """Draw a choice whose branches have parameters that matter differently there."""
    generator = np.random.default_rng([seed, 19])
    options = {
        name: Group({f"p{i}": Float(0.0, 1.0) for i in range(generator.integers(0, 3))}) for name in "abc"
    }
    space = Group({"c": Choice(options), "x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    domain = domain_of(space)
    lines = [random_line(generator) for _ in domain.axes]
    weights, levels = generator.uniform(0.2, 1.5, len(lines)), generator.normal(0, 0.6, 3)
    slopes = generator.normal(0, 1, 3)

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        chosen = u[:, 0].astype(int)
        total = levels[chosen] + slopes[chosen] * u[:, -2] + lines[-1](u[:, -1])
        for d in range(1, len(lines) - 2):
            total = total + np.where(a[:, d], weights[d] * lines[d](u[:, d]), 0.0)
        return total

    fine = (np.arange(4000) + 0.5) / 4000
    inner = range(1, len(lines) - 2)
    owner = {d: domain.axes[d].conditions[0][0] for d in inner}
    means = levels + slopes / 2
    for d in inner:
        means[owner[d]] += weights[d] * lines[d](fine).mean()
    names, y, x = domain.names, lines[-1](fine), 1 / 12
    parts: dict[tuple[str, ...], float] = {("c",): float(means.var()), ("y",): float(y.var())}
    parts["x",], parts["c", "x"] = float(slopes.mean() ** 2 * x), float(slopes.var() * x)
    for d in inner:
        spread = float((weights[d] * lines[d](fine)).var())
        parts[names[d],], parts["c", names[d]] = spread / 9, spread * 2 / 9
    whole = sum(parts.values())
    return Known("branches", space, function, {key: part / whole for key, part in parts.items()})


KINDS: Mapping[str, Kind] = {
    kind.__name__: kind
    for kind in (smooth, plateau, cliff, narrow, gate, steps, three_way, sparse, nested, branches)
}


def ridge(seed: int) -> Known:
    """Draw a valley along `x1 * x2 ** power` on log scales of four decades, with a weaker effect beside."""
    generator = np.random.default_rng([seed, 20])
    power = float(generator.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]))
    place, weak, line = generator.uniform(0.35, 0.65), generator.uniform(0.0, 0.3), random_line(generator)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        along = u[:, 0] - place + power * (u[:, 1] - 0.5)
        return 4 * along**2 / (1 + abs(power)) + weak * line(u[:, 2])

    return Known("ridge", flat(3 + int(generator.integers(0, 3)), log=True), function)


def still(seed: int) -> Known:
    """Draw a bowl that another parameter makes steeper, so that both interact and no best value moves."""
    generator = np.random.default_rng([seed, 21])
    place, steeper = generator.uniform(0.2, 0.8), generator.uniform(0.5, 4.0)
    weak, line = generator.uniform(0.0, 0.5), random_line(generator)

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return (1 + steeper * u[:, 1]) * (u[:, 0] - place) ** 2 + weak * line(u[:, 2])

    return Known("still", flat(3 + int(generator.integers(0, 3)), log=True), function)


def uniform(case: Known, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw coordinates under the declared measure, with what is active there."""
    domain = domain_of(case.space)
    drawn = quasi_random(domain, count, seed)
    return drawn, domain.active(drawn)
