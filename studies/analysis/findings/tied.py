"""What matters near the best beside what matters over all, and which options of choices are tied there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Value
from studies.analysis.findings.fixing import OVER, many_functions
from studies.analysis.findings.good_region import GOOD, GoodRegion, good_region
from studies.analysis.findings.near_best import Better, look_near_best
from studies.analysis.observations.of_study import StudyAnalysis
from studies.analysis.shares.importance import Conditions
from studies.analysis.shares.intervals import Estimate
from studies.surrogate.domain import value_at
from studies.surrogate.lowest import lowest

MOST_CHOICES = 6  # that are compared option by option
LEAST_TOTAL = 0.01  # share of such a choice, over the whole space or near the best


@dataclass(frozen=True)
class Tied:
    """Options of a choice whose best expected scores the trials do not tell apart.

    The first of `options` has the best expected score. `apart` is the most by which the best with another of
    them may be worse, by the 90 % intervals, in the unit of `metric`; `others` are the options that are
    worse.
    """

    name: str
    metric: str
    options: tuple[Value, ...]
    others: tuple[Value, ...]
    apart: float
    when: Conditions

    def in_words(self) -> str:
        """Say it in one sentence."""
        listed = " and ".join(map(show_value, self.options))
        return (
            f"{self.name}: {listed} are tied: the best {self.metric} that can be expected with each is the "
            f"same, up to {self.apart:.2g}."
        )


@dataclass(frozen=True, eq=False)
class NearBest:
    """Shares of a metric within the best tenth of the space, and the choices that are tied there."""

    metric: str
    region: GoodRegion
    tied: tuple[Tied, ...]

    @property
    def unclear(self) -> str:
        """Say why no share is told; empty where the good configurations differ by more than noise."""
        if self.region.is_clear:
            return ""
        return (
            f"Within the tenth of the space whose {self.metric} is best, configurations differ by about as "
            "little as repeats of one do, so what matters among them is not told."
        )

    def to_data(self) -> dict[str, Any]:
        """Write it as plain data for JSON."""
        region = self.region
        return {
            "part": GOOD,
            "unclear": self.unclear or None,
            "main": []
            if self.unclear
            else [
                {
                    "name": name,
                    **_data(share, ("share", "low", "high")),
                    **_data(region.total[name], ("total", "total_low", "total_high")),
                }
                for name, share in sorted(region.main.items(), key=lambda item: -region.total[item[0]].share)
            ],
            "tied": [
                {
                    "name": each.name,
                    "options": list(each.options),
                    "worse": list(each.others),
                    "apart": each.apart,
                }
                for each in self.tied
            ],
        }


def _data(share: Estimate, keys: tuple[str, str, str]) -> dict[str, float]:
    return dict(zip(keys, (share.share, share.low, share.high), strict=True))


def near_the_best(
    found: StudyAnalysis, near: Sequence[Better] | None = None, *, seed: int = 0
) -> NearBest | None:
    """Look at an analysis near the best; None where it found too little structure for that.

    Args:
        found: the analysis.
        near: what `look_near_best` made of it, where that has been done.
        seed: of the draws and of the resampling.
    """
    evidence = found.importance.evidence
    if not evidence.has_structure or evidence.is_weak:
        return None
    if near is None:
        near = look_near_best(found.scaled, found.fitted, seed=seed)
    region = good_region(found.fitted, near, seed=seed)
    with threadpool_limits(limits=1):
        return NearBest(found.metric, region, tuple(_tied(found, region, seed)))


def _tied(found: StudyAnalysis, region: GoodRegion, seed: int) -> Iterator[Tied]:
    """Find the choices of which several options reach the best expected score alike.

    Only choices that matter somewhere are compared: of another nothing would be told.
    """
    domain = found.fitted.surrogate.domain
    totals = {e.names[0]: 0.0 if e.total is None else e.total.share for e in found.importance.main}
    weight = {name: max(total, region.total[name].share) for name, total in totals.items()}
    choices = [d for d, axis in enumerate(domain.axes) if not axis.ordered and len(axis.nodes) > 1]
    choices = [d for d in choices if weight.get(domain.names[d], 0.0) >= LEAST_TOTAL]
    choices.sort(key=lambda d: (-weight[domain.names[d]], domain.names[d]))
    functions = list(many_functions(found.fitted, seed)) if choices else []
    sign = 1.0 if found.table.minimize else -1.0
    for d in choices[:MOST_CHOICES]:
        axis = domain.axes[d]
        where = {gate: float(codes[0]) for gate, codes in axis.conditions.items()}
        scores, means = [], np.cumsum([0, *(drawn.weights.shape[1] for drawn, _ in functions[:-1])])
        for code in axis.nodes:
            losses = [
                drawn.surrogate.centre
                + drawn.surrogate.scale * lowest(drawn, places, {**where, d: float(code)})[0]
                for drawn, places in functions
            ]
            scores.append(sign * found.score(np.concatenate(losses)))
        first = int(np.argmin([score[0] for score in scores]))
        behind = [
            np.quantile(np.delete(score - scores[first], means), [OVER / 2, 1 - OVER / 2]) for score in scores
        ]
        level = [first, *(i for i in range(len(scores)) if i != first and behind[i][0] <= 0)]
        if len(level) > 1:
            values = [value_at(axis, float(code)) for code in axis.nodes]
            yield Tied(
                axis.name,
                found.metric,
                tuple(values[i] for i in level),
                tuple(value for i, value in enumerate(values) if i not in level),
                max(float(behind[i][1]) for i in level[1:]),
                dict(axis.parameter.conditions),
            )
