"""How true the analysis is on studies drawn at random: shares, intervals, confidence, and what it proposes.

    python -m tests.benchmarks.drawn_acceptance [--shares] [FILE [FIRST [LAST [family ...]]]]

Each study is drawn by its family and seed, FIRST to LAST, analysed, and compared with brute force on the
exact function. What was measured is added to FILE, a JSON line a study, and a study that FILE holds is not
run again: so the script can be stopped at any time, and goes on where it was. The table of all that FILE
holds is printed at the end. A study takes some two to ten seconds. With `--shares` only shares, their
intervals and drifts are measured, and no proposal is followed, which takes a third of the time.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import optuna

from studies.analysis.findings.narrowing import Narrowed, narrower_ranges
from studies.analysis.findings.near_best import idle_parameters, look_near_best
from studies.analysis.findings.range_ends import boundaries
from studies.analysis.observations.table import Table
from studies.analysis.shares.importance import Fitted, Importance, fit_table, measure_importance
from tests.benchmarks.drawn_drifts import drift_cell, drifts_of
from tests.benchmarks.drawn_families import FAMILIES
from tests.benchmarks.following import cost_of_fixing, follow_proposal
from tests.benchmarks.records import Record, kept
from tests.studies.analysis.drawn_truth import Truth, read_axes, truth_of
from tests.studies.analysis.known_functions import Known

BARS = {"main": 0.05, "pair": 0.06, "total": 0.08}
WRONG = 0.15  # an error of a share that nobody may call good
LOST = 0.01  # of that range, that a proposal may lose
RELEVANT = 0.01  # a share that an interval must hold
UNSURE = 1e-3  # of a share that is measured by brute force


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
    read = {table.domain.names[axis] for axis in read_axes(case)}
    found["seconds"] = time.process_time() - begun
    if follow:
        found |= _followed(case, table, fitted, result, read)
    if not (result.evidence.has_structure and read):
        return found
    truth = truth_of(case)
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


def _errors(truth: Truth, result: Importance) -> Record:
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
    wanted = ((family, seed) for seed in range(first, last + 1) for family in families)
    records = kept(path, ("family", "seed"), wanted, partial(measure, follow=follow))
    print("\n".join(summary(records)))


if __name__ == "__main__":
    main(sys.argv[1:])
