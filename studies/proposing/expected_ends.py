"""What the end of a trial is expected to score, of one that was paused, pruned, or still runs."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isfinite

import numpy as np
from scipy.stats import siegelslopes

from studies.definition.settings import StudySettings
from studies.trials.outcomes import EFFECTS, Outcome
from studies.trials.record import TrialRecord

FEWEST_PAIRS = 4  # trials at two rungs from which on a slope is fitted between them
MOST_PAIRS = 200  # the last ones: the line looks at every two of them
STEEPEST = 2.0  # of that slope; its least is `FLATTEST`, so the order at a rung is kept
FLATTEST = 0.1


def loss_at(record: TrialRecord, step: int, settings: StudySettings) -> float:
    """Give a trial's loss as of a validation, lower is better; infinite where it is no number.

    Where the best validation counts (`study.score`), it is the best so far.

    Args:
        record: the trial.
        step: the validation; the last one before it counts, where it has no score of its own.
        settings: of its study.
    """
    sign = 1.0 if settings.direction == "minimize" else -1.0
    known = [sign * score for at, score in record.curve.items() if at <= step]
    if not known or not all(map(isfinite, known[-1:])):
        return inf
    return min(known) if settings.score == "best" else known[-1]


def expected_ends(
    records: Sequence[TrialRecord], settings: StudySettings, *, limited: bool = True
) -> dict[int, float]:
    """Give the loss that each trial has or is expected to have at its end, by its number; lower is better.

    A trial that stands at a rung is taken from rung to rung by what others gained on the way: a robust line
    through their losses at both rungs (Siegel, "Robust Regression Using Repeated Medians", 1982). A rung is a
    validation at which trials stand. The order of trials that stand at one rung is kept.

    Args:
        records: trials of one study, each slot once.
        settings: of the study.
        limited: whether a trial that breaks a limit of the study is as bad as one that diverged. Where it is
            not, one that was not trained because of that is left out.

    Returns:
        The losses; infinite for a trial that diverged, failed or, if `limited`, broke a limit. Trials that
        have no score yet, and those whose worker was lost before one, are left out.
    """
    if not limited:
        records = [each for each in records if not (each.broken and each.outcome is Outcome.INFEASIBLE)]
    known: dict[int, float] = {}
    open_ends: list[TrialRecord] = []
    sign = 1.0 if settings.direction == "minimize" else -1.0
    for record in records:
        effect = None if record.outcome is None else EFFECTS[record.outcome]
        if effect is not None and (
            not effect.feasible or (limited and record.broken) or record.outcome is Outcome.FAILED
        ):
            known[record.number] = inf
        elif record.score is not None:
            known[record.number] = sign * record.score if isfinite(record.score) else inf
        elif record.curve:
            open_ends.append(record)
    if not open_ends:
        return known
    length = max(max(record.curve, default=0) for record in records)
    rungs = sorted({max(record.curve) for record in open_ends} | {length})
    scored = [record for record in records if record.curve and known.get(record.number, 0.0) < inf]
    onward = {rung: _gain(scored, rung, to, settings) for rung, to in pairwise(rungs)}
    for record in open_ends:
        rung = max(record.curve)
        loss = loss_at(record, rung, settings)
        for at in rungs[rungs.index(rung) : -1]:
            offset, slope = onward[at]
            loss = offset + slope * loss
        known[record.number] = loss
    return known


def _gain(records: Sequence[TrialRecord], rung: int, to: int, settings: StudySettings) -> tuple[float, float]:
    """Give offset and slope of the loss at one rung by that at the rung before."""
    pairs = [
        (loss_at(record, rung, settings), loss_at(record, to, settings))
        for record in records
        if max(record.curve) >= to
    ]
    finite = np.array([pair for pair in pairs if isfinite(pair[0]) and isfinite(pair[1])][-MOST_PAIRS:])
    if not len(finite):
        return 0.0, 1.0
    before, after = finite.T
    if len(finite) < FEWEST_PAIRS or np.ptp(before) == 0:
        return float(np.median(after - before)), 1.0
    slope = float(np.clip(siegelslopes(after, before).slope, FLATTEST, STEEPEST))
    return float(np.median(after - slope * before)), slope
