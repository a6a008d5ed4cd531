"""Families of studies drawn at random: of every kind of function, noise, failure, pruner and sampler."""

from collections.abc import Callable

import numpy as np
import optuna

from search_spaces.space.nodes import Float, Group, Int
from studies.analysis.observations.table import Table, observations
from studies.proposing.model import JointSampler
from tests.studies.analysis import drawn_functions
from tests.studies.analysis import drawn_studies as drawn
from tests.studies.analysis.known_functions import Known

Made = tuple[Known, Table]
LEVELS = ("none", "5 %", "20 %")  # of noise, by the seed


def _of_kind(kind: drawn_functions.Kind) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = kind(seed)
        n = {"sparse": 200, "nested": 160, "branches": 160}.get(kind.__name__, 120)
        return case, observations(drawn.run(case, n, seed, drawn.NOISES[LEVELS[seed % 3]]), case.space)

    return make


def _with_noise(noise: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        kind = ("smooth", "plateau", "narrow", "branches", "three_way")[seed % 5]
        case = drawn_functions.KINDS[kind](seed)
        return case, observations(drawn.run(case, 150, seed, drawn.NOISES[noise]), case.space)

    return make


def _rare(seed: int) -> Made:
    case = drawn_functions.branches(seed)
    return case, observations(drawn.run(case, 120, seed, rare=0.05), case.space)


def _pruned(share: float, *, crossing: bool) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = drawn_functions.KINDS[("smooth", "plateau")[seed % 2]](seed)
        trials = drawn.pruned(case, 150, seed, share, speed=0 if crossing else None)
        return case, observations(trials, case.space)

    return make


def _failing(told: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        inner = drawn_functions.KINDS[("smooth", "plateau")[seed % 2]](seed)
        trials, whole = drawn.failing(inner, 120, seed, share=(0.15, 0.3, 0.4)[seed % 3], told=told)
        table = observations(trials, whole.space, failed_as_worst=None)
        worst = float(table.loss.max())

        def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
            plain = inner.function(u, a)
            return np.where(whole.function(u, a) != plain, worst, plain)

        return Known(whole.name, whole.space, function), table

    return make


SAMPLERS: dict[str, Callable[[Group, int], optuna.samplers.BaseSampler]] = {
    "TPE": lambda _, seed: optuna.samplers.TPESampler(seed=seed),
    "GP": lambda _, seed: optuna.samplers.GPSampler(seed=seed),
    "joint": lambda space, seed: JointSampler(space, seed=seed),
}


def _sampled(name: str, exploration: float, kind: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = drawn_functions.KINDS[kind](seed)
        sampler = SAMPLERS[name](case.space, seed)
        trials = drawn.sampled(case, 120, seed, exploration=exploration, sampler=sampler)
        return case, observations(trials, case.space)

    return make


def _pure_noise(seed: int) -> Made:
    random = np.random.default_rng(seed)
    spaces = (
        Group({f"x{i}": Float(0.0, 1.0) for i in range(12)}),
        Group({f"k{i}": Int(1, 5) for i in range(6)}),
        drawn_functions.branches(seed).space,
    )
    space = spaces[seed % 3]
    luck = Known("luck", space, lambda u, _: random.standard_normal(len(u)))
    n = int(random.integers(40, 160))
    flat = Known("noise", space, lambda u, _: np.zeros(len(u)))
    return flat, observations(drawn.run(luck, n, seed, drawn.NOISES["none"]), space)


def _weak(seed: int) -> Made:
    case = drawn_functions.smooth(seed)
    return case, observations(drawn.run(case, 350, seed, drawn.gaussian(2.0)), case.space)


FAMILIES: dict[str, Callable[[int], Made]] = {
    **{
        kind.__name__: _of_kind(kind)
        for kind in (*drawn_functions.KINDS.values(), drawn_functions.ridge, drawn_functions.still)
    },
    **{f"noise {noise}": _with_noise(noise) for noise in ("50 %", "t(2)", "uneven", "outliers")},
    "rare branch": _rare,
    "pruned 60 %": _pruned(0.6, crossing=False),
    "pruned 60 %, crossing": _pruned(0.6, crossing=True),
    "pruned 80 %, crossing": _pruned(0.8, crossing=True),
    **{f"failing as {told}": _failing(told) for told in ("FAIL", "inf", "1e10")},
    **{f"{name}, {share:.0%} explored, {kind}": _sampled(name, share, kind)
       for name in SAMPLERS for share in (0.0, 0.1, 0.25) for kind in ("smooth", "cliff")},
    "pure noise": _pure_noise,
    "weak": _weak,
}  # fmt: skip
