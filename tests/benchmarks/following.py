"""What is lost, and won, where the proposal of a report is followed on the exact function."""

from collections.abc import Mapping

import numpy as np

from studies.analysis.findings.narrowing import Narrowed
from studies.analysis.observations.table import Table
from studies.surrogate.domain import coordinate, domain_of
from studies.surrogate.integration import quasi_random
from tests.benchmarks.records import Record
from tests.studies.analysis.known_functions import Known

Box = Mapping[str, tuple[float, float]]
GOOD_SCORES = 0.25  # the best quarter: the range of good scores is from the best to there


class Followed:
    """An exact function, asked for its best score in a part of its space.

    `reach` is the range of good scores: from the best to the best quarter.
    """

    def __init__(self, case: Known) -> None:
        self._case, self._domain = case, domain_of(case.space)
        self._places = quasi_random(self._domain, 2**13, 3)
        self.free = self.best({})
        self.reach = max(float(np.quantile(self._scores(self._places, {}), GOOD_SCORES)) - self.free, 1e-12)

    def _scores(self, places: np.ndarray, box: Box) -> np.ndarray:
        inside = places.copy()
        for name, (low, high) in box.items():
            column = self._domain.names.index(name)
            inside[:, column] = low + places[:, column] * (high - low) if high > low else low
        return self._case.function(inside, self._domain.active(inside))

    def best(self, box: Box) -> float:
        """Search the best score where some coordinates lie in a range or at a value."""
        random = np.random.default_rng(0)
        places, values = self._places, self._scores(self._places, box)
        for step in (0.1, 0.03, 0.01):
            best = places[np.argsort(values)[:40]]
            places = np.repeat(best, 40, axis=0)
            for d, axis in enumerate(self._domain.axes):
                if axis.ordered:
                    jump = step * random.standard_normal(len(places)) * (random.random(len(places)) < 0.5)
                    places[:, d] = np.clip(places[:, d] + jump, 0, 1)
            places = np.vstack([places, best])
            values = self._scores(places, box)
        return float(values.min())

    def lost(self, box: Box) -> float:
        """Give what the best score loses there, in ranges of good scores."""
        return (self.best(box) - self.free) / self.reach

    def regret(self, box: Box, trials: int = 60) -> float:
        """Give how far the best of some random trials there lies from the best of all, in the median."""
        scores, random = self._scores(self._places, box), np.random.default_rng(1)
        best = [scores[random.choice(len(scores), trials, replace=False)].min() for _ in range(200)]
        return (float(np.median(best)) - self.free) / self.reach


def cost_of_fixing(case: Known, name: str) -> float:
    """Give what the best score loses at worst where a parameter is held, in ranges of good scores."""
    axis = next(axis for axis in domain_of(case.space).axes if axis.name == name)
    followed = Followed(case)
    values = np.linspace(0, 1, 5) if axis.ordered else axis.nodes
    return max(followed.lost({name: (float(value), float(value))}) for value in values)


def follow_proposal(
    case: Known, table: Table, idle: tuple[str, ...], narrowed: tuple[Narrowed, ...]
) -> Record:
    """Give what a next study with these changes loses, and the regret of random trials before and after."""
    axes = {axis.name: (column, axis) for column, axis in enumerate(table.domain.axes)}
    best = int(np.argmin(np.where(table.completed, table.loss, np.inf)))
    box: dict[str, tuple[float, float]] = {}
    for name in idle:
        column, _ = axes[name]
        if table.active[best, column]:
            box[name] = (float(table.coordinates[best, column]),) * 2
    for part in narrowed:
        ends = [coordinate(axes[part.name][1], end) for end in (part.low, part.high)]
        box[part.name] = (float(ends[0] or 0.0), float(ends[1] or 0.0))
    if not box:
        return {}
    followed = Followed(case)
    return {
        "proposal lost": followed.lost(box),
        "regret before": followed.regret({}),
        "regret after": followed.regret(box),
    }
