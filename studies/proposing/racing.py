"""Races: a trial that is trained several times ends early where it surely is not the best.

Source: Maron and Moore, "Hoeffding Races", NIPS 1993; with Student's t for the bound, since the spread of
the scores of one configuration is estimated from the trials themselves.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.stats import t as student

from studies.definition.repetition import Repetition
from studies.proposing.proposer import History
from studies.proposing.stop_rule import GO_ON, Action, Decision
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

SURE = 0.95  # probability with which a trial that is stopped is worse than the best one


def race(history: History, running: TrialRecord, scores: Sequence[float]) -> Decision:
    """Say whether a trial is surely worse than the best one, by the scores of its trainings so far.

    Trainings on different folds differ by more than noise: some folds are harder. So the scores of each fold
    are taken as differences from the fold's mean over all trials that have been trained on all folds.

    Args:
        history: of the study.
        running: the trial; one that explores goes on always.
        scores: of its trainings so far, at least one.

    Returns:
        To stop it where its mean is worse than the best mean by more than chance allows. Nothing is known of
        chance before a trial, or of folds two, have been trained as often as a trial is.
    """
    settings = history.definition.settings
    repetition = Repetition.of(settings.repeats)
    if not settings.racing or running.explores:
        return GO_ON
    rivals = [record for record in history.records if _is_rival(record, running, repetition)]
    if not rivals:
        return GO_ON
    sign = 1.0 if settings.direction == "minimize" else -1.0
    table = sign * np.array([record.repeats for record in rivals])
    mine = sign * np.array(scores)
    freedom = len(rivals) * (repetition.count - 1)
    if repetition.by_folds:
        effects = table.mean(axis=0) - table.mean()
        table, mine = table - effects, mine - effects[: len(mine)]
        freedom -= repetition.count - 1
    if freedom <= 0:
        return GO_ON
    noise = sqrt(float(((table - table.mean(axis=1, keepdims=True)) ** 2).sum()) / freedom)
    best = int(table.mean(axis=1).argmin())
    behind = float(mine.mean() - table[best].mean())
    chance = float(student.ppf(SURE, freedom)) * noise * sqrt(1 / len(mine) + 1 / repetition.count)
    if behind <= chance:
        return GO_ON
    return Decision(
        Action.STOP,
        f"after {len(mine)} of {repetition.count} trainings it is behind trial {rivals[best].number} by "
        f"{behind:.4g}, and chance explains up to {chance:.4g}",
    )


def _is_rival(record: TrialRecord, running: TrialRecord, repetition: Repetition) -> bool:
    return (
        record.outcome is Outcome.COMPLETED
        and not record.broken
        and record.slot != running.slot
        and len(record.repeats) == repetition.count
    )
