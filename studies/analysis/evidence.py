"""How far the trials can be trusted to show anything, before anything is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from studies.analysis.domain import Array, Domain
from studies.analysis.search import first_guess
from studies.analysis.surrogate import fit
from studies.analysis.table import Table
from studies.outcomes import Outcome

FOLDS = 5
SPLIT_TRIALS = 240  # predicted in all, where one split predicts fewer
MOST_SPLITS = 4
FOLD_STEPS = 40  # of the optimiser, for each fold
LEAST_R2 = 0.3  # below it there is no ranking
LOW_R2 = 0.6  # below it the ranking is marked
MOST_UNKNOWN = 0.15  # of the variance that the trials may leave open before the ranking is marked
MOST_UNKNOWN_SAMPLED = (
    0.03  # the same where a sampler chose most trials: what it shunned may be unlike what the surrogate saw
)
FEWEST_ON_A_BRANCH = 10  # trials with which a conditional parameter is judged without a mark
LEAST_EXPLORATION = 0.4  # share of quasi-random trials from which on no bias of the sampler is feared


@dataclass(frozen=True)
class Evidence:
    """What the analysis rests on.

    `cv_r2` is the share of the loss's variance that the surrogate predicts on trials it has not seen,
    `unknown` the share of the function's variance under the declared measure that the trials leave open.
    `warnings` are sentences.
    """

    cv_r2: float
    unknown: float
    trials: int
    exploration: float
    outcomes: Mapping[Outcome, int]
    warnings: tuple[str, ...]

    @property
    def has_structure(self) -> bool:
        """Whether the trials show that anything matters at all."""
        return self.cv_r2 >= LEAST_R2

    @property
    def confidence(self) -> str:
        """`none`, `low` or `good`."""
        if not self.has_structure:
            return "none"
        return "low" if self.cv_r2 < LOW_R2 or self.unknown > most_unknown(self.exploration) else "good"


def most_unknown(exploration: float) -> float:
    """Give the share of the variance that may be left open, by the share of quasi-random trials."""
    return MOST_UNKNOWN if exploration >= LEAST_EXPLORATION else MOST_UNKNOWN_SAMPLED


def cross_validated_r2(domain: Domain, points: Array, loss: Array, variance: Array, seed: int) -> float:
    """Measure how well surrogates predict the trials that they have not been fitted to.

    Hyperparameters are searched afresh for each of five folds: those of the fit to all trials have seen the
    answers. Few trials are split several times, because then much depends on which ones fall together.

    Returns:
        1 less the squared error as a share of the squared distance from the mean of the trials fitted to; at
        most 1, negative where the mean predicts better.
    """
    random = np.random.default_rng(seed)
    splits = [
        random.permutation(len(loss)) % FOLDS
        for _ in range(min(max(SPLIT_TRIALS // len(loss), 1), MOST_SPLITS))
    ]
    start = first_guess(len(domain.axes), 0.4)
    error = spread = 0.0
    for fold, held in product(splits, range(FOLDS)):
        seen, unseen = fold != held, fold == held
        fitted = fit(domain, points[seen], loss[seen], variance[seen], start=start, steps=FOLD_STEPS)
        predicted = fitted.centre + fitted.scale * fitted.mean(points[unseen])
        error += float(np.sum((loss[unseen] - predicted) ** 2))
        spread += float(np.sum((loss[unseen] - fitted.centre) ** 2))
    return 1 - error / spread if spread > 0 else 0.0


def weigh(table: Table, cv_r2: float, unknown: float) -> Evidence:
    """Judge what a table and its surrogate can show."""
    exploration = float(np.mean(table.exploration))
    warnings = []
    if cv_r2 < LEAST_R2:
        warnings.append(
            f"The surrogate predicts {max(cv_r2, 0):.0%} of the variance of trials it has not seen, "
            f"less than {LEAST_R2:.0%}: no structure found, so nothing is ranked."
        )
    elif cv_r2 < LOW_R2:
        warnings.append(f"The surrogate predicts only {cv_r2:.0%} of the variance of trials it has not seen.")
    if unknown > most_unknown(exploration):
        warnings.append(
            f"The trials leave {unknown:.0%} of the variance over the whole space open: "
            "they crowd together or are too few."
        )
    if exploration < LEAST_EXPLORATION:
        warnings.append(
            f"{exploration:.0%} of the trials are known to be quasi-random; trials that a sampler chose "
            "crowd where it expected good scores, and shares of parameters that matter elsewhere may be off."
        )
    for column, axis in enumerate(table.domain.axes):
        there = int(table.active[:, column].sum())
        if axis.conditions and there < FEWEST_ON_A_BRANCH:
            warnings.append(f"{axis.name} rests on {there} trials.")
    repaired = sum(table.counts.get(outcome, 0) for outcome in (Outcome.PRUNED, Outcome.DIVERGED))
    if repaired > len(table.loss) / 2:
        warnings.append(
            f"{repaired} of {len(table.loss)} trials were pruned or diverged, so their scores are inferred."
        )
    return Evidence(cv_r2, unknown, table.trials, exploration, dict(table.counts), tuple(warnings))
