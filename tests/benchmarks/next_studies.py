"""Whether the study that a report proposes is worth running: against the same study again.

    python -m tests.benchmarks.next_studies [FILE [FIRST [LAST [kind ...]]]]

For each kind and seed a study of 80 trials of an exact function is run as `tuner run` would with its
defaults, its report's own code writes the next study, and the file is read as it stands. Both spaces then get
80 trials again from other seeds: by TPE (5 times) and at random (30 times). A score counts as it truly is and
not with the noise of its trial, in ranges of good scores: from the best of the old space to its best quarter.
A JSON line a study is added to FILE and a study that FILE holds is not run again; the table of all that FILE
holds is printed at the end.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy.stats import ttest_ind

from tests.benchmarks.following import Followed
from tests.benchmarks.records import kept
from tests.studies.report.followed_studies import (
    at_random,
    definition_of,
    draw_problem,
    incumbent,
    proposed,
    run,
)

KINDS = (
    "smooth", "plateau", "cliff", "narrow", "gate", "steps", "branches", "nested", "momentum", "failing",
    "noisy",
)  # fmt: skip
TRIALS = 80
REPEATS = {"TPE": 5, "random": 30}
WORSE = 0.01  # ranges of good scores by which a mean may be worse and count as equal
LUCK = 0.05  # the chance below which a difference of means is not luck
GAIN = 0.05  # ranges of good scores between the optimum and what repeating reaches: something to gain


def measure(kind: str, seed: int) -> dict[str, Any]:
    """Run a study, write its next one, and run both spaces to the same budget."""
    problem = draw_problem(kind, seed)
    old = definition_of(problem, f"{kind}-{seed}", TRIALS, seed)
    proposal, new, confidence = proposed(old, run(problem, old, seed))
    followed = Followed(problem.case)
    changes = 0 if proposal.changes[0].startswith("Nothing but the seed") else len(proposal.changes)
    found: dict[str, Any] = {"kind": kind, "seed": seed, "confidence": confidence, "changes": changes}
    found["words"] = list(proposal.changes)
    for name, definition in (("old", old), ("new", new)):
        if name == "new" and not changes:
            break  # the same space: the same study but for luck
        led = [
            incumbent(problem, definition, run(problem, definition, 1000 + 10 * seed + repeat))
            for repeat in range(REPEATS["TPE"])
        ]
        drawn = at_random(problem, definition, REPEATS["random"], TRIALS, seed)
        for sampler, scores in (("TPE", led), ("random", drawn)):
            found[f"{name} {sampler}"] = [(float(score) - followed.free) / followed.reach for score in scores]
    return found


def summary(records: list[dict[str, Any]]) -> Iterator[str]:
    """Write a row for each kind, and one for all."""
    yield (
        "| kind | studies | something to gain | of these proposed | TPE: regret old, new | worse, surely "
        "worse | random: regret old, new | worse, surely worse |"
    )
    yield "|" + " --- |" * 8
    for kind in (*KINDS, "all"):
        mine = [record for record in records if kind in (record["kind"], "all")]
        if mine:
            yield _row(kind, mine)


def _row(kind: str, mine: list[dict[str, Any]]) -> str:
    gainful = [record for record in mine if np.mean(record["old TPE"]) >= GAIN]
    cells = [kind, str(len(mine)), str(len(gainful)), str(sum(record["changes"] > 0 for record in gainful))]
    changed = [record for record in mine if record["changes"]]
    for sampler in REPEATS:
        pairs = [
            (np.array(record[f"old {sampler}"]), np.array(record[f"new {sampler}"])) for record in changed
        ]
        worse = [(old, new) for old, new in pairs if new.mean() - old.mean() > WORSE]
        surely = sum(_differ(old, new) for old, new in worse)
        means = [f"{np.mean([part.mean() for part in parts]):.3f}" for parts in zip(*pairs, strict=True)]
        cells += [", ".join(means), f"{len(worse)}, {surely} of {len(pairs)}"]
    return f"| {' | '.join(cells)} |"


def _differ(old: np.ndarray, new: np.ndarray) -> bool:
    """Say whether the new mean is worse by more than luck explains, among what is not equal."""
    found = ttest_ind(new, old, equal_var=False, alternative="greater")
    return bool(found.pvalue < LUCK)


def main(arguments: list[str]) -> None:
    """Measure what the file lacks, and print the table."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = Path(arguments[0] if arguments else Path(tempfile.gettempdir()) / "next_studies.jsonl")
    first = int(arguments[1]) if len(arguments) > 1 else 0
    last = int(arguments[2]) if len(arguments) > 2 else first + 3
    kinds = arguments[3:] or list(KINDS)
    wanted = ((kind, seed) for seed in range(first, last + 1) for kind in kinds)
    records = kept(path, ("kind", "seed"), wanted, measure)
    print("\n".join(summary(records)))


if __name__ == "__main__":
    main(sys.argv[1:])
