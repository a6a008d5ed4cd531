"""How true the analysis is on studies drawn at random: shares, intervals, confidence, and what it proposes.

    python -m tests.benchmarks.drawn_acceptance [--shares] [FILE [FIRST [LAST [family ...]]]]

Each study is drawn by its family and seed, FIRST to LAST, analysed, and compared with brute force on the
exact function. What was measured is added to FILE, a JSON line a study, and a study that FILE holds is not
run again: so the script can be stopped at any time, and goes on where it was. The table of all that FILE
holds is printed at the end. A study takes some two to ten seconds. With `--shares` only shares, their
intervals and drifts are measured, and no proposal is followed, which takes a third of the time.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from search_spaces.space.nodes import Float, Group, Int
from studies.analysis.findings.narrowing import Narrowed, narrower_ranges
from studies.analysis.findings.near_best import idle_parameters, look_near_best
from studies.analysis.findings.range_ends import boundaries
from studies.analysis.observations.table import Table, observations
from studies.analysis.shares.importance import Fitted, Importance, fit_table, measure_importance
from studies.surrogate.domain import coordinate, domain_of
from studies.surrogate.integration import quasi_random
from tests.benchmarks.drawn_drifts import drift_cell, drifts_of
from tests.studies.analysis import drawn_studies as drawn
from tests.studies.analysis.known_functions import Known

Record = dict[str, Any]
Made = tuple[Known, Table]
Box = Mapping[str, tuple[float, float]]
BARS = {"main": 0.05, "pair": 0.06, "total": 0.08}
WRONG = 0.15  # an error of a share that nobody may call good
GOOD_SCORES = 0.25  # the best quarter: the range of good scores is from the best to there
LOST = 0.01  # of that range, that a proposal may lose
RELEVANT = 0.01  # a share that an interval must hold
UNSURE = 1e-3  # of a share that is measured by brute force
LEVELS = ("none", "5 %", "20 %")  # of noise, by the seed


def _of_kind(kind: drawn.Kind) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = kind(seed)
        n = {"sparse": 200, "nested": 160, "branches": 160}.get(kind.__name__, 120)
        return case, observations(drawn.run(case, n, seed, drawn.NOISES[LEVELS[seed % 3]]), case.space)

    return make


def _with_noise(noise: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        kind = ("smooth", "plateau", "narrow", "branches", "three_way")[seed % 5]
        case = drawn.KINDS[kind](seed)
        return case, observations(drawn.run(case, 150, seed, drawn.NOISES[noise]), case.space)

    return make


def _rare(seed: int) -> Made:
    case = drawn.branches(seed)
    return case, observations(drawn.run(case, 120, seed, rare=0.05), case.space)


def _pruned(share: float, *, crossing: bool) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = drawn.KINDS[("smooth", "plateau")[seed % 2]](seed)
        trials = drawn.pruned(case, 150, seed, share, speed=0 if crossing else None)
        return case, observations(trials, case.space)

    return make


def _failing(told: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        inner = drawn.KINDS[("smooth", "plateau")[seed % 2]](seed)
        trials, whole = drawn.failing(inner, 120, seed, share=(0.15, 0.3, 0.4)[seed % 3], told=told)
        table = observations(trials, whole.space, failed_as_worst=None)
        worst = float(table.loss.max())

        def function(u: np.ndarray, a: np.ndarray) -> np.ndarray:
            plain = inner.function(u, a)
            return np.where(whole.function(u, a) != plain, worst, plain)

        return Known(whole.name, whole.space, function), table

    return make


SAMPLERS = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}


def _sampled(name: str, exploration: float, kind: str) -> Callable[[int], Made]:
    def make(seed: int) -> Made:
        case = drawn.KINDS[kind](seed)
        sampler = SAMPLERS[name](seed=seed)
        trials = drawn.sampled(case, 120, seed, exploration=exploration, sampler=sampler)
        return case, observations(trials, case.space)

    return make


def _pure_noise(seed: int) -> Made:
    random = np.random.default_rng(seed)
    spaces = (
        Group({f"x{i}": Float(0.0, 1.0) for i in range(12)}),
        Group({f"k{i}": Int(1, 5) for i in range(6)}),
        drawn.branches(seed).space,
    )
    space = spaces[seed % 3]
    luck = Known("luck", space, lambda u, _: random.standard_normal(len(u)))
    n = int(random.integers(40, 160))
    flat = Known("noise", space, lambda u, _: np.zeros(len(u)))
    return flat, observations(drawn.run(luck, n, seed, drawn.NOISES["none"]), space)


def _weak(seed: int) -> Made:
    case = drawn.smooth(seed)
    return case, observations(drawn.run(case, 350, seed, drawn.gaussian(2.0)), case.space)


FAMILIES: dict[str, Callable[[int], Made]] = {
    **{
        kind.__name__: _of_kind(kind)
        for kind in (*drawn.KINDS.values(), drawn.ridge, drawn.still)
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


def measure(family: str, seed: int, *, follow: bool = True) -> Record:
    """Draw a study, analyse it, and compare what is said with the exact function.

    Args:
        family: of the study.
        seed: of the study.
        follow: whether what is proposed is followed on the function too.
    """
    case, table = FAMILIES[family](seed)
    begun = time.process_time()
    fitted = fit_table(table)
    result = measure_importance(table, fitted=fitted, seed=seed)
    found: Record = {"family": family, "seed": seed, "confidence": result.evidence.confidence}
    found["r2"] = result.evidence.cv_r2
    read = {table.domain.names[axis] for axis in drawn.read_axes(case)}
    found["seconds"] = time.process_time() - begun
    if follow:
        found |= _followed(case, table, fitted, result, read)
    if not (result.evidence.has_structure and read):
        return found
    truth = drawn.truth_of(case)
    return found | _errors(truth, result) | drifts_of(case, fitted, result, truth)


def _followed(case: Known, table: Table, fitted: Fitted, result: Importance, read: set[str]) -> Record:
    """Give what is proposed, and what following it costs."""
    idle: tuple[str, ...] = ()
    narrowed: tuple[Narrowed, ...] = ()
    found: Record = {}
    begun = time.process_time()
    if result.evidence.has_structure and not result.evidence.is_weak:
        near = look_near_best(table, fitted)
        idle = idle_parameters(table, result, fitted, near)
        narrowed = narrower_ranges(table, fitted, near)
    if result.evidence.has_structure:
        found["widened"] = [boundary.name for boundary in boundaries(table, fitted)]
    found["proposing"] = time.process_time() - begun
    found["idle"], found["truly idle"] = list(idle), len(set(table.domain.names) - read)
    found["lost"] = [cost_of_fixing(case, name) for name in idle if name in read]
    return found | follow_proposal(
        case, table, idle, tuple(part for part in narrowed if part.name not in idle)
    )


def _errors(truth: drawn.Truth, result: Importance) -> Record:
    main, total, pair = truth.error(
        {effect.names[0]: effect.share or 0.0 for effect in result.main},
        {effect.names[0]: effect.total.share for effect in result.main if effect.total is not None},
        {frozenset(effect.names): effect.share or 0.0 for effect in result.pairs},
    )
    intervals = [
        (truth.main.get(effect.names[0], 0.0), effect.low, effect.high) for effect in result.main
    ] + [(truth.pairs.get(frozenset(effect.names), 0.0), effect.low, effect.high) for effect in result.pairs]
    totals = [
        (truth.total.get(effect.names[0], 0.0), effect.total.low, effect.total.high)
        for effect in result.main
        if effect.total is not None
    ]
    found: Record = {"main": main, "total": total, "pair": pair}
    for name, given in (("covered", intervals), ("totals covered", totals)):
        found[name] = [
            int(low - UNSURE <= share <= high + UNSURE) for share, low, high in given if share > RELEVANT
        ]
        found[f"{name} width"] = float(np.mean([high - low for _, low, high in given]))
    return found


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


def summary(records: list[Record]) -> Iterator[str]:
    """Write a row for each family."""
    yield (
        "| family | studies | good | mean error main, pair, total | good, beyond a bar | good, off by .15 | "
        "good of the accurate | cover, totals | mean width, totals | idle named | lost by them | "
        "proposals, that lose .01 | mean regret of 60 random trials before, after | widened | "
        "drift told of functions without one; drifts told that are none; of a decade, told | seconds |"
    )
    yield "|" + " --- |" * 16
    for family in FAMILIES:
        mine = [record for record in records if record["family"] == family]
        if mine:
            yield _row(family, mine)


def _row(family: str, mine: list[Record]) -> str:
    known = [record for record in mine if "main" in record]
    good = [record for record in known if record["confidence"] == "good"]
    beyond = [record for record in good if any(record[part] > bar for part, bar in BARS.items())]
    wrong = [record for record in good if any(record[part] > WRONG for part in BARS)]
    accurate = [record for record in known if all(record[part] <= bar / 2 for part, bar in BARS.items())]
    surely = [record for record in accurate if record["confidence"] == "good"]
    followed = [record for record in mine if "idle" in record]
    lost = [cost for record in followed for cost in record["lost"]]
    truly = sum(record["truly idle"] for record in followed if record["confidence"] == "good")
    named = sum(len(record["idle"]) - len(record["lost"]) for record in followed)
    none = sum(record["confidence"] == "none" for record in mine)
    proposed = [record for record in mine if "proposal lost" in record]

    def mean(part: str) -> str:
        values = [value for record in known for value in np.atleast_1d(record[part])]
        return f"{np.mean(values):.3f}" if values else "-"

    cells = [
        family,
        str(len(mine)) + (f" ({none} none)" if none else ""),
        str(len(good)),
        ", ".join(map(mean, ("main", "pair", "total"))),
        str(len(beyond)),
        str(len(wrong)),
        f"{len(surely)} of {len(accurate)}",
        f"{mean('covered')}, {mean('totals covered')}",
        f"{mean('covered width')}, {mean('totals covered width')}",
        f"{named} of {truly}",
        f"{sum(cost > LOST for cost in lost)} of {named + len(lost)}",
        f"{len(proposed)}, {sum(record['proposal lost'] > LOST for record in proposed)}",
        f"{_average(proposed, 'regret before')}, {_average(proposed, 'regret after')}",
        str(sum(bool(record.get("widened")) for record in mine)),
        drift_cell(mine),
        f"{np.mean([record['seconds'] + record.get('proposing', 0.0) for record in mine]):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _average(records: list[Record], part: str) -> str:
    return f"{np.mean([record[part] for record in records]):.3f}" if records else "-"


def main(arguments: list[str]) -> None:
    """Measure what the file lacks, and print the table."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    follow = "--shares" not in arguments
    arguments = [argument for argument in arguments if argument != "--shares"]
    path = Path(arguments[0] if arguments else Path(tempfile.gettempdir()) / "drawn_acceptance.jsonl")
    first = int(arguments[1]) if len(arguments) > 1 else 0
    last = int(arguments[2]) if len(arguments) > 2 else first
    families = arguments[3:] or list(FAMILIES)
    records = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(record["family"], record["seed"]) for record in records}
    with path.open("a") as file:
        for seed in range(first, last + 1):
            for family in families:
                if (family, seed) not in known:
                    records.append(measure(family, seed, follow=follow))
                    file.write(json.dumps(records[-1], default=float) + "\n")
                    file.flush()
    print("\n".join(summary(records)))


if __name__ == "__main__":
    main(sys.argv[1:])
