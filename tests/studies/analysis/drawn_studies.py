"""Studies of drawn functions, with noise, failures, pruning and samplers; repeatable by their seeds."""

from collections.abc import Callable, Mapping

import numpy as np
import optuna

from search_spaces.space.nodes import Group
from search_spaces.suggest import distributions, suggest
from studies.surrogate.domain import Domain, coordinate, domain_of, value_at
from studies.surrogate.integration import quasi_random
from tests.studies.analysis.drawn_functions import Draw, uniform
from tests.studies.analysis.known_functions import Known

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
