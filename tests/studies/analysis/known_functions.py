"""Functions whose shares are known, spaces to put them in, and trials of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import optuna

from search_spaces.space.nodes import Categorical, Choice, Float, Group
from search_spaces.suggest import distributions
from studies.analysis.observations.table import Table, observations
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import Domain, domain_of, value_at
from studies.surrogate.integration import Function, decompose, quasi_random


@dataclass(frozen=True)
class Known:
    """A function of the coordinates of a space, without noise."""

    name: str
    space: Group
    function: Function
    exact: Mapping[tuple[str, ...], float] | None = None  # the shares, where there is a formula

    def shares(self, points: int = 2**15) -> dict[tuple[str, ...], float]:
        """Give the exact shares of parameters and pairs, in the order of the space."""
        if self.exact is not None:
            return dict(self.exact)
        exact = decompose(self.function, domain_of(self.space), points=points)
        return {(name,): share for name, share in exact.main.items()} | dict(exact.pairs)

    def trials(
        self, n: int, seed: int, noise: float = 0.0, *, random: bool = False
    ) -> list[optuna.trial.FrozenTrial]:
        """Run n trials, quasi-random or random, with noise in standard deviations of the function."""
        domain, generator = domain_of(self.space), np.random.default_rng(seed)
        size = 1 << (n - 1).bit_length()
        drawn = quasi_random(domain, size, seed)[:n]
        if random:
            drawn = quasi_random(domain, 2**14, seed)[generator.choice(2**14, n, replace=False)]
        active = domain.active(drawn)
        values = self.function(drawn, active)
        values = values + noise * values.std() * generator.standard_normal(n)
        known = distributions(self.space)
        made = []
        for i in range(n):
            params = {a.name: value_at(a, drawn[i, d]) for d, a in enumerate(domain.axes) if active[i, d]}
            made.append(
                optuna.trial.create_trial(
                    params=params,
                    distributions={name: known[name] for name in params},
                    value=float(values[i]),
                    user_attrs={"exploration": True},
                )
            )
        return made

    def table(self, n: int, seed: int, noise: float = 0.0, *, random: bool = False) -> Table:
        """Give the table of such trials."""
        return observations(self.trials(n, seed, noise, random=random), self.space)


def flat(count: int, *, log: bool = False) -> Group:
    """A space of `count` real parameters without conditions."""
    return Group({f"x{i + 1}": Float(1e-4, 1.0, log=True) if log else Float(0.0, 1.0) for i in range(count)})


def _ishigami(u: np.ndarray, _: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


ISHIGAMI = Known("Ishigami", flat(3), _ishigami)
_A = np.array([0, 1, 4.5, 9])
SOBOL_G = Known("Sobol-G", flat(4), lambda u, _: np.prod((np.abs(4 * u - 2) + _A) / (1 + _A), axis=1))
VALLEY = Known("valley", flat(3), lambda u, _: (u[:, 0] + u[:, 1] - 1) ** 2 + 0.05 * (1 - u[:, 2]) ** 2)
ADDITIVE = Known(
    "additive",
    flat(3),
    lambda u, _: np.sin(2 * np.pi * u[:, 0]) + 2 * u[:, 1] ** 2 + 3 * np.abs(u[:, 2] - 0.5),
)
PRODUCT = Known("product", flat(3), lambda u, _: np.prod(u, axis=1))
CLIFF = Known("cliff", flat(3), lambda u, _: (u[:, 0] > 0.7) * 2.0 + (u[:, 0] - 0.5) ** 2 + 0.5 * u[:, 1])
LOG = Known("log 80/20", flat(2, log=True), lambda u, _: 2 * u[:, 0] + u[:, 1])

CONDITIONAL = Known(
    "1[A] 2x",
    Group({"c": Choice({"A": Group({"x": Float(0.0, 1.0)}), "B": Group()})}),
    lambda u, a: np.where(a[:, 1], 2 * u[:, 1], 0.0),
)
NULL_CONDITIONAL = Known("null conditional", CONDITIONAL.space, lambda u, _: (u[:, 0] == 0).astype(float))
NESTED = Known(
    "nested two deep",
    Group(
        {
            "c": Choice(
                {
                    "A": Group({"d": Choice({"on": Group({"x": Float(0.0, 1.0)}), "off": Group()})}),
                    "B": Group(),
                }
            ),
            "y": Float(0.0, 1.0),
        }
    ),
    lambda u, a: np.where(a[:, 2], 2 * u[:, 2], 0.3) + np.where(u[:, 0] == 0, 0.5, 0.0) + u[:, 3],
)
PARALLEL = Known(
    "two parallel",
    Group({
        "c": Choice({
            "A": Group({"x": Float(0.0, 1.0)}),
            "B": Group({"x": Float(1e-3, 1.0, log=True)}),
            "C": Group(),
        }),
        "d": Choice({"on": Group({"y": Float(0.0, 1.0)}), "off": Group()}),
    }),
    lambda u, a: np.where(a[:, 1], 2 * u[:, 1], 0) + np.where(a[:, 2], (u[:, 2] - 0.5) ** 2 * 4, 0) +
    np.where(a[:, 4], u[:, 4], 0.2),
)  # fmt: skip
WHEN = Known(
    "when over two choices",
    Group(
        {
            "c": Choice({"A": Group(), "B": Group()}),
            "d": Categorical(("p", "q", "r")),
            "x": Float(0.0, 1.0, when={"c": ("A",), "d": ("p", "q")}),
            "y": Float(0.0, 1.0),
        }
    ),
    lambda u, a: (
        np.where(a[:, 2], 2 * np.abs(u[:, 2] - 0.4), 0) + 0.5 * u[:, 1] / 2 + u[:, 3] * (1 + (u[:, 0] == 0))
    ),
)

Line = Callable[[np.ndarray], np.ndarray]


def random_line(generator: np.random.Generator) -> Line:
    """Draw a function of one coordinate: a slope, a bowl, a wave, a kink, a step or a bump."""
    kind, c = generator.integers(6), generator.uniform(0.2, 0.8)
    waves, phase = generator.uniform(0.3, 1.5), generator.uniform(0, 2 * np.pi)
    lines: list[Line] = [
        lambda x: 2 * x - 1,
        lambda x: 4 * (x - c) ** 2,
        lambda x: np.sin(2 * np.pi * waves * x + phase),
        lambda x: 3 * np.abs(x - c),
        lambda x: 1 / (1 + np.exp(-20 * (x - c))),
        lambda x: np.exp(-(((x - c) / 0.2) ** 2)),
    ]
    return lines[kind]


def random_flat(seed: int) -> Known:
    """Draw a function of three to six parameters: some matter alone, about two pairs interact."""
    generator = np.random.default_rng([seed, 1])
    count = int(generator.integers(3, 7))
    pairs = [(i, j) for i in range(count) for j in range(i)]
    chance = 2 / len(pairs)
    terms = [
        ((i,), [random_line(generator)], generator.choice([0.5, 1, 2]))
        for i in range(count)
        if generator.random() < 0.6
    ]
    terms += [
        (pair, [random_line(generator), random_line(generator)], generator.choice([0.5, 1, 2]))
        for pair in pairs
        if generator.random() < chance
    ]
    terms += [((0,), [random_line(generator)], 1.0)]

    def function(u: np.ndarray, _: np.ndarray) -> np.ndarray:
        return sum(
            w * np.prod([line(u[:, d]) for d, line in zip(dims, lines, strict=True)], axis=0)
            for dims, lines, w in terms
        )

    return Known(f"random {seed}", flat(count), function)


def random_conditional(seed: int) -> Known:
    """Draw a tree of choices up to two deep with a parameter on most branches, and a function along them."""
    generator = np.random.default_rng([seed, 2])

    def branch(depth: int) -> Group:
        children: dict = {"x": Float(0.0, 1.0)} if generator.random() < 0.7 else {}
        if depth < 2 and generator.random() < 0.4:
            children["c"] = Choice({name: branch(depth + 1) for name in ("a", "b")})
        return Group(children)

    top = {
        f"c{i}": Choice({name: branch(1) for name in ("a", "b", "c")[: generator.integers(2, 4)]})
        for i in range(2)
    }
    space = Group({**top, "y": Float(0.0, 1.0)})
    domain = domain_of(space)
    lines = {
        d: (random_line(generator), generator.choice([0.5, 1, 2]))
        for d, axis in enumerate(domain.axes)
        if axis.ordered
    }
    levels = {
        d: generator.normal(size=len(axis.nodes)) / 2
        for d, axis in enumerate(domain.axes)
        if not axis.ordered
    }

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        total = np.zeros(len(u))
        for d, (line, weight) in lines.items():
            total += np.where(a[:, d], weight * line(u[:, d]), 0.0)
        for d, level in levels.items():
            total += np.where(a[:, d], level[u[:, d].astype(int)], 0.0)
        return total

    return Known(f"random conditional {seed}", space, function, _exact(domain, lines, levels))


def _exact(
    domain: Domain, lines: dict[int, tuple[Line, float]], levels: dict[int, np.ndarray]
) -> dict[tuple[str, ...], float]:
    """Give the shares of a sum of functions of single parameters, each where it exists.

    A parameter on which no other depends averages out on its own, so only gates interact: with one another by
    what exists, and with a parameter by how its chance to exist changes.
    """
    structures, fine = structures_of(domain, 0), (np.arange(4000) + 0.5) / 4000
    w, active = structures.weights, structures.active
    values = {d: weight * line(fine) for d, (line, weight) in lines.items()} | levels
    inner = [d for d in values if d not in structures.gates]
    level = sum(active[:, d] * values[d].mean() for d in inner) + np.zeros(len(w))
    for place, gate in enumerate(structures.gates):
        level += active[:, gate] * levels[gate][structures.codes[:, place].astype(int)]
    parts: dict[tuple[int, ...], float] = {}
    for d in inner:
        parts[d,] = (w @ active[:, d]) ** 2 * values[d].var()
    for gate in structures.gates:
        given = w * structures.indicators[gate]
        parts[gate,] = float(np.var(given @ level))
        for d in inner:
            parts[min(gate, d), max(gate, d)] = float(np.var(given @ active[:, d]) * values[d].var())
    for c, d in combinations(structures.gates, 2):
        table = np.einsum("am,bm,m->ab", structures.indicators[c], structures.indicators[d], w * level)
        parts[c, d] = float(np.var(table)) - parts[c,] - parts[d,]
    whole = float(w @ level**2 - (w @ level) ** 2) + sum(w @ active[:, d] * values[d].var() for d in inner)
    every = [(d,) for d in range(len(domain.axes))] + list(combinations(range(len(domain.axes)), 2))
    return {tuple(domain.names[d] for d in members): parts.get(members, 0.0) / whole for members in every}
