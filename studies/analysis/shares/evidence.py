"""How far the trials can be trusted to show anything, before anything is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from search_spaces.space.describe import show_value
from studies.analysis.observations.table import Table
from studies.surrogate.anova import structures_of
from studies.surrogate.domain import Array, Domain, value_at
from studies.surrogate.gaussian_process import fit
from studies.surrogate.hyperparameters import first_guess
from studies.trials.outcomes import CUT_SHORT, Outcome

Width = tuple[str, float, float]  # what a share is of, and its interval

FOLDS = 5
SPLIT_TRIALS = 240  # predicted in all, where one split predicts fewer
MOST_SPLITS = 4
FOLD_STEPS = 25  # of the optimiser, for each fold
LEAST_R2 = 0.3  # from which on a structure is taken for one, unless a few trials make all of it
LEAST_SURE_R2 = 0.05  # the same where the trials leave no doubt that something is predicted
SURE = 2.5  # standard errors of what is predicted that leave no doubt
LIKELY = 1.5  # the fewest, whatever the R2
LOW_R2 = 0.8  # below it the ranking is marked: what is not predicted may be noise, or what was not understood
MOST_UNKNOWN = 0.15  # of the variance that the trials may leave open before the ranking is marked
# The same where a sampler chose most trials: what it shunned may be unlike what the surrogate saw.
MOST_UNKNOWN_SAMPLED = 0.03
WIDEST = 0.2  # interval of a share of a parameter alone or of a pair with which a ranking is not marked
WIDEST_TOTAL = 0.28  # the same of a total
MOST_INFERRED = 0.03  # of the variance of the scores: how unsure scores of pruned trials may be on average
FEWEST_ON_A_BRANCH = 10  # trials with which a conditional parameter is judged without a mark
# Of the trials that an option would have had by the declared measure, below which it is starved.
STARVED = 0.4
LEAST_EXPLORATION = 0.4  # share of quasi-random trials from which on no bias of the sampler is feared


@dataclass(frozen=True)
class Prediction:
    """How well trials are predicted that a surrogate has not seen.

    `r2` is 1 less the squared error as a share of the squared distance from the mean of the trials fitted
    to; at most 1, negative where the mean predicts better. `errors` is by how many of its standard errors,
    over the trials, that gain is above zero.
    """

    r2: float
    errors: float

    @property
    def has_structure(self) -> bool:
        """Whether the trials show that anything matters at all."""
        return (self.r2 >= LEAST_R2 and self.errors >= LIKELY) or (
            self.r2 >= LEAST_SURE_R2 and self.errors >= SURE
        )


@dataclass(frozen=True)
class Evidence:
    """What the analysis rests on.

    `cv_r2` is the share of the loss's variance that the surrogate predicts on trials it has not seen, and
    `has_structure` whether that shows that anything matters at all. `unknown` is the share of the function's
    variance under the declared measure that the trials leave open. `doubts` are sentences, each a reason
    against trusting the shares; `warnings` hold them and what else a reader must know.
    """

    cv_r2: float
    has_structure: bool
    unknown: float
    trials: int
    exploration: float
    outcomes: Mapping[Outcome, int]
    doubts: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_weak(self) -> bool:
        """Whether what was found is little beside what no parameter explains."""
        return self.has_structure and self.cv_r2 < LEAST_R2

    @property
    def confidence(self) -> str:
        """`none`, `low` or `good`."""
        if not self.has_structure:
            return "none"
        return "low" if self.doubts else "good"


def most_unknown(exploration: float) -> float:
    """Give the share of the variance that may be left open, by the share of quasi-random trials."""
    return MOST_UNKNOWN if exploration >= LEAST_EXPLORATION else MOST_UNKNOWN_SAMPLED


def cross_validated(domain: Domain, points: Array, loss: Array, variance: Array, seed: int) -> Prediction:
    """Measure how well surrogates predict the trials that they have not been fitted to.

    Hyperparameters are searched afresh for each of five folds: those of the fit to all trials have seen the
    answers. Few trials are split several times, because then much depends on which ones fall together.
    """
    random = np.random.default_rng(seed)
    splits = [
        random.permutation(len(loss)) % FOLDS
        for _ in range(min(max(SPLIT_TRIALS // len(loss), 1), MOST_SPLITS))
    ]
    start = first_guess(len(domain.axes), 0.4)
    error, spread = np.zeros(len(loss)), np.zeros(len(loss))
    for fold, held in product(splits, range(FOLDS)):
        seen, unseen = fold != held, fold == held
        fitted = fit(domain, points[seen], loss[seen], variance[seen], start=start, steps=FOLD_STEPS)
        predicted = fitted.centre + fitted.scale * fitted.mean(points[unseen])
        error[unseen] += (loss[unseen] - predicted) ** 2
        spread[unseen] += (loss[unseen] - fitted.centre) ** 2
    gain = spread - error
    if not np.any(spread > 0):
        return Prediction(0.0, 0.0)
    deviation = float(np.std(gain) / np.sqrt(len(gain)))
    return Prediction(
        1 - float(np.sum(error) / np.sum(spread)),
        float(np.mean(gain)) / deviation if deviation > 0 else 0.0,
    )


def weigh(table: Table, prediction: Prediction, unknown: float, widest: Sequence[Width]) -> Evidence:
    """Judge what a table and its surrogate can show.

    Args:
        table: the trials.
        prediction: how well the surrogate predicts.
        unknown: the part of the variance that the trials leave open.
        widest: the intervals that are too wide for a ranking.
    """
    cv_r2, exploration = prediction.r2, float(np.mean(table.exploration))
    doubts, notes = [], list(table.notes)
    if prediction.has_structure and cv_r2 < LOW_R2:
        doubts.append(f"The surrogate predicts only {cv_r2:.0%} of the variance of trials it has not seen.")
    if unknown > most_unknown(exploration):
        doubts.append(
            f"The trials leave {unknown:.0%} of the variance over the whole space open: "
            "they crowd together or are too few."
        )
    if widest:
        said = " and ".join(f"of {name} {low:.0%} to {high:.0%}" for name, low, high in widest[:2])
        doubts.append(f"The trials do not settle every share: {said} would fit.")
    doubts += _starved(table) + _inferred(table)
    if not prediction.has_structure:
        notes.append(
            f"The surrogate predicts {max(cv_r2, 0):.0%} of the variance of trials it has not seen, "
            "too little to tell it from chance: no structure found, so nothing is ranked."
        )
    if exploration < LEAST_EXPLORATION:
        notes.append(
            f"{exploration:.0%} of the trials are known to be quasi-random; trials that a sampler chose "
            "crowd where it expected good scores, and shares of parameters that matter elsewhere may be off."
        )
    for column, axis in enumerate(table.domain.axes):
        there = int(table.active[:, column].sum())
        if axis.conditions and there < FEWEST_ON_A_BRANCH:
            notes.append(f"{axis.name} rests on {there} trials.")
    return Evidence(
        cv_r2,
        prediction.has_structure,
        unknown,
        table.trials,
        exploration,
        dict(table.counts),
        tuple(doubts),
        (*doubts, *notes),
    )


def _starved(table: Table) -> list[str]:
    """Name the options that far fewer trials took than the declared measure gives them."""
    domain = table.domain
    structures = structures_of(domain, 0)
    chances = structures.weights @ structures.active
    found = []
    for column, axis in enumerate(domain.axes):
        if axis.ordered or len(axis.nodes) == 1:
            continue
        expected = table.trials * chances[column] / len(axis.nodes)
        for code in axis.nodes:
            there = int(np.sum(table.active[:, column] & (table.coordinates[:, column] == code)))
            if there < min(FEWEST_ON_A_BRANCH, STARVED * expected):
                option = show_value(value_at(axis, float(code)))
                found.append(
                    f"{axis.name} is {option} in {there} of {table.trials} trials, where all options alike "
                    f"would give {expected:.0f}: what happens there is not known."
                )
    return found


def _inferred(table: Table) -> list[str]:
    """Say whether pruning hides what the trials would have come to."""
    pruned = sum(outcome in CUT_SHORT for outcome in table.outcomes)
    spread = float(np.var(table.loss)) or 1.0
    doubt = float(np.mean(np.minimum(table.variance, spread))) / spread
    if doubt <= MOST_INFERRED:
        return []
    said = f"{pruned} of {table.trials} trials were pruned, and what they would have come to is unsure: "
    return [said + "pruning may hide parameters that matter late."]
