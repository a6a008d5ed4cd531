"""What tuning is worth: the gain from the defaults to the best configuration, and whose it is.

A player is a parameter whose value differs. What a set of players gains is the expected score with these at
the values of the best configuration and all others at their defaults, less that of the defaults. A player's
part is its Shapley value (Shapley 1953): its gain on top of the players before it, averaged over all orders;
the parts add up to the whole gain. What it gains alone is what the best value of it gives from the defaults
(tunability: Probst, Boulesteix and Bischl 2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from search_spaces.space.nodes import Value
from studies.analysis.findings.functions import doubt_near_best, resampled_fits
from studies.analysis.findings.gains.between import Game, game_of
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.intervals import COVERAGE
from studies.surrogate.domain import Array, Domain, value_at
from studies.surrogate.gaussian_process import Surrogate, points_of

DRAWS = 400  # from the posterior of the fit to all trials
REPLICATES = 4
REPLICATE_DRAWS = 50
LEAST_OPEN = 1e-9  # of a direction's variance, standardised, below which the trials have settled it
NOTHING = 1e-9  # of the range of the scores, which is what rounding leaves
WIDER = 1.3  # times the interval of a gain at the best of several places
TAIL = (1 - COVERAGE) / 2


@dataclass(frozen=True)
class Gained:
    """An improvement in the unit of the metric with its 90 % interval; positive is better."""

    value: float
    low: float
    high: float

    def in_words(self) -> str:
        """Write it: `0.021 (0.015 to 0.024)`."""
        return f"{self.value:.2g} ({self.low:.2g} to {self.high:.2g})"

    def to_data(self) -> dict[str, float]:
        """Write it as plain data."""
        return {"gain": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Part:
    """One parameter's part of the gain, and what its best value alone gives from the defaults.

    `default` is None where the parameter does not exist beside the defaults.
    """

    name: str
    default: Value | None
    best: Value
    gain: Gained
    alone: Gained


@dataclass(frozen=True)
class Worth:
    """What tuning gained: the expected scores with the defaults and with the best one, and the parts."""

    metric: str
    defaults: float
    best: float
    gain: Gained
    parts: tuple[Part, ...]

    def in_words(self) -> tuple[str, ...]:
        """Say it in a few sentences."""
        ends = f"from {self.defaults:.4g} with the defaults to {self.best:.4g} with the best configuration"
        if self.gain.low <= 0:
            goes = f"the expected {self.metric} goes {ends}, a gain of {self.gain.in_words()}"
            if self.gain.high < 0:
                return (f"The best configuration is expected to be worse than the defaults: {goes}.",)
            return (f"All trials together do not settle what tuning gained: {goes}.",)
        said = (
            f"Tuning gained {self.gain.in_words()} of {self.metric}, {ends}; both are expected scores, with "
            "90% intervals."
        )
        sure = [part for part in self.parts if part.gain.low > 0][:MOST_NAMED]
        if not sure:
            return (said, "The trials do not tell by which parameter.")
        listed = ", ".join(f"{part.name} gave {part.gain.value / self.gain.value:.0%}" for part in sure)
        return (said, f"Of that gain {listed}.")

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        return {
            "metric": self.metric,
            "defaults": self.defaults,
            "best": self.best,
            **self.gain.to_data(),
            "parts": [
                {
                    "name": part.name,
                    "default": part.default,
                    "best": part.best,
                    **part.gain.to_data(),
                    "share": part.gain.value / self.gain.value if self.gain.value > 0 else None,
                    "alone": part.alone.to_data(),
                }
                for part in self.parts
            ],
            "sentences": list(self.in_words()),
        }


MOST_NAMED = 3


def worth_of(found: StudyAnalysis, best: Mapping[str, Value], *, seed: int = 0) -> Worth | None:
    """Measure what the best configuration gains on the defaults.

    Args:
        found: the analysis; its space has declared defaults.
        best: the values of the best configuration.
        seed: of the draws, the resampling and the orders.

    Returns:
        The gain; None where the trials show no structure, or the best configuration is the default one.
    """
    evidence = found.importance.evidence
    fitted = found.fitted
    domain = fitted.surrogate.domain
    game = game_of(domain, best, seed)
    if not evidence.has_structure or not game.players:
        return None
    with threadpool_limits(limits=1):
        surrogates = [fitted.surrogate, *resampled_fits(fitted, REPLICATES, seed)]
        played = [
            _played(found, surrogate, game, REPLICATE_DRAWS if number else DRAWS, seed + number)
            for number, surrogate in enumerate(surrogates)
        ]
    wider = doubt_near_best(fitted)
    whole = _gained([each.whole for each in played], wider)
    parts = []
    for number, axis in enumerate(game.players):
        gain = _gained([each.parts[number] for each in played], wider)
        alone = _gained_at_best([each.alone[number] for each in played], wider)
        parts.append(_part(domain, game, axis, gain, alone))
    parts.sort(key=lambda part: (-part.gain.value, part.name))
    first = played[0]
    return Worth(found.metric, float(first.ends[0]), float(first.ends[1]), whole, tuple(parts))


def _part(domain: Domain, game: Game, axis: int, gain: Gained, alone: Gained) -> Part:
    one = domain.axes[axis]
    exists = bool(domain.active(game.start[None, :])[0, axis])
    before = value_at(one, float(game.start[axis])) if exists else None
    return Part(one.name, before, value_at(one, float(game.end[axis])), gain, alone)


@dataclass(frozen=True, eq=False)
class _Played:
    """Gains of the mean function, which comes first, and of drawn ones.

    `whole` is `(functions,)`, `parts` and `alone` are `(players, functions)`. `ends` holds the
    mean's scores of the defaults and of the best configuration.
    """

    whole: Array
    parts: Array
    alone: Array
    ends: Array


def _played(found: StudyAnalysis, surrogate: Surrogate, game: Game, draws: int, seed: int) -> _Played:
    domain, lines = surrogate.domain, game.alone(surrogate.domain)
    coordinates = np.vstack([game.coordinates(), *lines])
    active = domain.active(coordinates)
    points, where = np.unique(points_of(coordinates, active), axis=0, return_inverse=True)
    scores = found.score(_drawn(surrogate, points, draws, seed))[where.ravel()]
    sign = -1.0 if found.table.minimize else 1.0
    values = sign * scores  # greater is better
    least = NOTHING * float(np.ptp(found.table.loss))
    count = len(game.coalitions)
    everybody = int(np.argmax(game.coalitions.sum(axis=1)))
    nobody = int(np.argmin(game.coalitions.sum(axis=1)))
    ends = np.cumsum([count, *(len(line) for line in lines)])
    alone = [values[first:last].max(axis=0) - values[nobody] for first, last in pairwise(ends)]
    return _Played(
        values[everybody] - values[nobody],
        _without_rounding(game.weights @ values[:count], least),
        _without_rounding(np.array(alone), least),
        scores[[nobody, everybody], 0],
    )


def _without_rounding(gains: Array, least: float) -> Array:
    return np.where(np.abs(gains) < least, 0.0, gains)


def _drawn(surrogate: Surrogate, points: Array, draws: int, seed: int) -> Array:
    """Draw losses at points together, the mean first: `(points, 1 + draws)`, in the unit of the loss."""
    mean, covariance = surrogate.posterior(points)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    kept = values > LEAST_OPEN
    noise = np.random.default_rng(seed).standard_normal((int(kept.sum()), draws))
    drawn = mean[:, None] + (vectors[:, kept] * np.sqrt(values[kept])) @ noise
    return np.asarray(surrogate.centre + surrogate.scale * np.hstack([mean[:, None], drawn]))


def _gained(functions: list[Array], wider: float) -> Gained:
    """Give the gain of the mean function, with the interval of all drawn ones, so many times as wide."""
    value = float(functions[0][0])
    draws = np.concatenate([each[1:] for each in functions])
    low, high = np.quantile(draws, [TAIL, 1 - TAIL]).tolist()
    return Gained(value, value - wider * max(value - low, 0.0), value + wider * max(high - value, 0.0))


def _gained_at_best(functions: list[Array], wider: float) -> Gained:
    """Do so for a gain at the best of several places, which what is not known raises in every drawn function.

    What it raises on average is taken off the lower end. A best place lies where the surrogate errs most, so
    the interval is widened: on drawn functions it held .81 of the truths before, and `WIDER` was set on them.
    """
    gained = _gained(functions, WIDER * wider)
    excess = float(np.mean([max(float(each[1:].mean() - each[0]), 0.0) for each in functions]))
    return Gained(gained.value, max(gained.low - WIDER * excess, 0.0), gained.high)
