"""Studies drawn at random: functions of many kinds with known shares, noise, failures, pruning and samplers.

Every draw is repeatable by its seed. A kind is a function of a seed that gives a `Known`; its numbers
(widths, places, which axes matter) are drawn, so that no rule can be fitted to one example.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import optuna

from search_spaces.space.nodes import Choice, Float, Group
from search_spaces.suggest import distributions, suggest
from studies.surrogate.domain import Domain, coordinate, domain_of, value_at
from studies.surrogate.integration import decompose, quasi_random
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


Noise = Callable[[np.ndarray, np.ndarray, Draw], np.ndarray]


def gaussian(level: float) -> Noise:
    """Add Gaussian noise of a part of the function's deviation."""
    return lambda y, _, g: y + level * y.std() * g.standard_normal(len(y))


def heavy(y: np.ndarray, _: np.ndarray, g: Draw) -> np.ndarray:
    """Add noise of Student's distribution with two degrees of freedom."""
    return y + 0.1 * y.std() * g.standard_t(2, len(y))


def uneven(y: np.ndarray, u: np.ndarray, g: Draw) -> np.ndarray:
    """Add noise that grows along the first axis from nothing to two fifths of the deviation."""
    return y + 0.4 * u[:, 0] * y.std() * g.standard_normal(len(y))


def outliers(y: np.ndarray, _: np.ndarray, g: Draw) -> np.ndarray:
    """Add noise of a twentieth, and 30 deviations to three trials in a hundred."""
    noisy = y + 0.05 * y.std() * g.standard_normal(len(y))
    far = g.choice(len(y), max(1, round(0.03 * len(y))), replace=False)
    noisy[far] += 30 * y.std() * g.choice([-1.0, 1.0], len(far))
    return noisy


NOISES: Mapping[str, Noise] = {
    "none": gaussian(0.0), "5 %": gaussian(0.05), "20 %": gaussian(0.2), "50 %": gaussian(0.5),
    "t(2)": heavy, "uneven": uneven, "outliers": outliers,
}  # fmt: skip


def run(
    case: Known, n: int, seed: int, noise: Noise = NOISES["5 %"], *, rare: float | None = None
) -> list[optuna.trial.FrozenTrial]:
    """Run n quasi-random trials of a function.

    Args:
        case: the function.
        n: trials.
        seed: of the places and of the noise.
        noise: changes the exact values at places.
        rare: the share of the trials that take the first option of the first choice.
    """
    domain, generator = domain_of(case.space), np.random.default_rng([seed, 5])
    drawn = quasi_random(domain, 1 << (n - 1).bit_length(), seed)[:n]
    if rare is not None:
        column = next(d for d, axis in enumerate(domain.axes) if not axis.ordered)
        count = len(domain.axes[column].nodes)
        drawn[:, column] = generator.integers(1, count, n)
        drawn[generator.choice(n, max(1, round(rare * n)), replace=False), column] = 0
    active = domain.active(drawn)
    values = noise(case.function(drawn, active), drawn, generator)
    return [
        made(case.space, domain, place, here, value)
        for place, here, value in zip(drawn, active, values, strict=True)
    ]


def made(
    space: Group,
    domain: Domain,
    place: np.ndarray,
    active: np.ndarray,
    value: float | None,
    **attributes: object,
) -> optuna.trial.FrozenTrial:
    """Make the trial at a place of the cube."""
    known = distributions(space)
    params = {
        axis.name: value_at(axis, at) for axis, at, on in zip(domain.axes, place, active, strict=True) if on
    }
    given = {
        "value": None if value is None else float(value),
        "user_attrs": {"exploration": True},
    } | attributes
    return optuna.trial.create_trial(
        params=params, distributions={name: known[name] for name in params}, **given
    )


def pruned(
    case: Known, n: int, seed: int, share: float, *, speed: int | None, length: int = 20, noise: float = 0.02
) -> list[optuna.trial.FrozenTrial]:
    """Run trials with learning curves, of which a pruner stops a share: at each rung the worst.

    Args:
        case: the function that the curves come to.
        n: trials.
        seed: of the places and of the noise.
        share: of the trials that do not reach the end.
        speed: the axis that sets how fast a trial learns; None where all learn alike.
        length: steps of a whole trial.
        noise: of each score, in deviations of the function.
    """
    domain, generator = domain_of(case.space), np.random.default_rng([seed, 7])
    drawn = quasi_random(domain, 1 << (n - 1).bit_length(), seed)[:n]
    active = domain.active(drawn)
    finals = case.function(drawn, active)
    deviation = float(finals.std())
    rates = np.full(n, 0.25) if speed is None else 0.06 * (12 ** drawn[:, speed])
    steps = np.arange(1, length + 1)
    curves = finals[:, None] + 3 * deviation * (
        np.exp(-np.outer(rates, steps)) - np.exp(-rates * length)[:, None]
    )
    curves = curves + noise * deviation * generator.standard_normal(curves.shape)
    lengths = np.full(n, length)
    rungs = (3, 6, 11)
    for rung in rungs:
        going = np.flatnonzero(lengths == length)
        kept = max(round(len(going) * (1 - share) ** (1 / len(rungs))), 5)
        worst = going[np.argsort(curves[going, rung - 1])[kept:]]
        lengths[worst] = rung
    states = {True: optuna.trial.TrialState.COMPLETE, False: optuna.trial.TrialState.PRUNED}
    return [
        made(
            case.space, domain, drawn[i], active[i],
            float(curves[i, -1]) if lengths[i] == length else None,
            state=states[bool(lengths[i] == length)],
            intermediate_values={int(t): float(curves[i, t - 1]) for t in steps[: lengths[i]]},
        )
        for i in range(n)
    ]  # fmt: skip


def failing(
    case: Known, n: int, seed: int, *, share: float, told: str, noise: float = 0.05
) -> tuple[list[optuna.trial.FrozenTrial], Known]:
    """Run trials of which those beyond a line do not work, told as `FAIL`, `nan`, `inf` or `1e10`.

    Returns:
        The trials, and the function with the worst score where trials do not work.
    """
    domain, generator = domain_of(case.space), np.random.default_rng([seed, 8])
    ranges = [d for d, axis in enumerate(domain.axes) if axis.ordered]
    first, second = generator.choice(ranges, 2, replace=False)
    slope = generator.uniform(0, 0.6)
    everywhere, alive = uniform(case, 4096)
    sums = everywhere[:, first] + slope * everywhere[:, second]
    edge = np.quantile(sums, 1 - share)
    worst = float(case.function(everywhere, alive)[sums <= edge].max())

    def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
        return np.where(u[:, first] + slope * u[:, second] > edge, worst, case.function(u, a))

    whole = Known(f"{case.name} failing", case.space, function)
    trials = run(whole, n, seed, gaussian(noise))
    changed = []
    for trial in trials:
        place = [
            coordinate(axis, trial.params[axis.name]) if axis.name in trial.params else 0.0
            for axis in domain.axes
        ]
        if float(place[first] or 0) + slope * float(place[second] or 0) <= edge:
            changed.append(trial)
            continue
        value = {"inf": float("inf"), "1e10": 1e10}.get(told)
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        changed.append(
            optuna.trial.create_trial(
                params=trial.params, distributions=trial.distributions, value=value, state=state,
                user_attrs=trial.user_attrs,
            )
        )  # fmt: skip
    return changed, whole


def sampled(
    case: Known,
    n: int,
    seed: int,
    *,
    exploration: float,
    sampler: optuna.samplers.BaseSampler,
    noise: float = 0.05,
) -> list[optuna.trial.FrozenTrial]:
    """Run a study that a sampler leads, with a share of quasi-random trials spread over it."""
    domain, generator = domain_of(case.space), np.random.default_rng([seed, 6])
    deviation = float(case.function(*uniform(case, 2048)).std())
    places = quasi_random(domain, 1 << (n - 1).bit_length(), seed)
    study = optuna.create_study(sampler=sampler)
    explore = generator.random(n) < exploration
    for number in range(n):
        if explore[number]:
            values = {
                axis.name: value_at(axis, at)
                for axis, at, on in zip(
                    domain.axes, places[number], domain.active(places[[number]])[0], strict=True
                )
                if on
            }
            study.enqueue_trial(values, user_attrs={"exploration": True})
        trial = study.ask()
        chosen = suggest(trial, case.space)
        place = np.array([[coordinate(a, chosen[a.name]) if a.name in chosen else 0.0 for a in domain.axes]])
        active = np.array([[axis.name in chosen for axis in domain.axes]])
        study.tell(
            trial, float(case.function(place, active)[0]) + noise * deviation * generator.standard_normal()
        )
    return study.trials
