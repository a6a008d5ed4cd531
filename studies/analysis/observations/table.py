"""The trials of a study as a table: where each lies in its space, what it scored, and how it ended.

What is done with a trial that has no final score is a policy, and the table says it (`Table.policy`): a
diverged trial counts as the worst completed one; a pruned one as what completed trials that scored alike at
its last step and by its own curve came to, with the uncertainty of that; a failed one carries no score and is
counted only, but in a study of plain Optuna where failing depends on the parameters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import cast

import numpy as np
from optuna.trial import FrozenTrial

from search_spaces.space.nodes import Group
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.observations.curves import PRUNED, Curves
from studies.analysis.observations.failures import failing_depends_on
from studies.surrogate.domain import Array, Domain, Mask, as_option, coordinate, domain_of
from studies.trials.outcomes import EFFECTS, Outcome, outcome_of

FEWEST_TRIALS = 5  # with which anything can be fitted
STAND_IN = 10.0  # ranges of all others beyond which a score that is told more than once is no measurement
FAR_STAND_IN = 1e4  # the same of one that is told once

DIVERGED = (
    "A diverged trial counts as the worst completed one; so does a completed one whose score is infinite or "
    "a stand-in far beyond all others."
)
FAILED = "A failed, preempted or lost trial has no score and is counted only."
WORST = "A failed trial counts as the worst completed one, since how many fail depends on the parameters."


@dataclass(frozen=True, eq=False)
class Table:
    """Trials that carry information, one a row.

    `coordinates` and `active` are `(n, axes)`, `loss` is the score as it is minimized, `(n,)`, `variance` how
    uncertain a row's loss is beyond the study's noise, `(n,)`, in the objective's unit squared. `counts`
    holds every ended trial of the study by outcome, those without a row included. `notes` are sentences about
    trials that do not count as they were told.
    """

    domain: Domain
    coordinates: Array
    active: Mask
    loss: Array
    variance: Array
    outcomes: tuple[Outcome, ...]
    exploration: Mask
    numbers: tuple[int, ...]
    counts: Mapping[Outcome, int]
    minimize: bool
    policy: tuple[str, ...] = (DIVERGED, PRUNED, FAILED)
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> int:
        """How many trials have a row."""
        return len(self.loss)

    @property
    def completed(self) -> Mask:
        """Which rows are of completed trials, `(n,)`."""
        return np.array([outcome is Outcome.COMPLETED for outcome in self.outcomes])

    def rows(self, kept: Sequence[int]) -> "Table":
        """Keep some rows, by their place."""
        chosen = list(kept)
        return replace(
            self,
            coordinates=self.coordinates[chosen],
            active=self.active[chosen],
            loss=self.loss[chosen],
            variance=self.variance[chosen],
            outcomes=tuple(self.outcomes[row] for row in chosen),
            exploration=self.exploration[chosen],
            numbers=tuple(self.numbers[row] for row in chosen),
        )

    def without(self, outcome: Outcome) -> "Table":
        """Leave out the trials of one outcome."""
        return self.rows([row for row, ended in enumerate(self.outcomes) if ended is not outcome])


def observations(
    trials: Sequence[FrozenTrial],
    space: Group,
    *,
    minimize: bool = True,
    failed_as_worst: bool | None = False,
) -> Table:
    """Put a study's trials in a table.

    Args:
        trials: the study's, in any order, with one value each; those that still run or wait are left out.
        space: what varied. A parameter that a trial does not have, though it should, counts as averaged over.
        minimize: the direction of the objective.
        failed_as_worst: whether a failed trial counts as the worst completed one, or is left out. None
            decides by whether the rate of failures depends on parameters; in a study of ours the outcome
            has decided.

    Raises:
        NothingToAnalyse: too few trials completed.
    """
    domain = domain_of(space)
    ended = [(trial, outcome) for trial in trials if (outcome := outcome_of(trial)) is not None]
    sign = 1.0 if minimize else -1.0
    # Counted here: trials that belong to no study yet all have the number -1.
    told = {
        i: sign * cast("float", trial.value)
        for i, (trial, outcome) in enumerate(ended)
        if outcome is Outcome.COMPLETED
    }
    stand_ins = {i for i, value in told.items() if value >= stand_in(told.values())}
    outcomes = [Outcome.DIVERGED if i in stand_ins else outcome for i, (_, outcome) in enumerate(ended)]
    finals = {i: value for i, value in told.items() if i not in stand_ins}
    if len(finals) < FEWEST_TRIALS:
        raise NothingToAnalyse(
            f"The study has {len(finals)} completed trials and an analysis needs at least {FEWEST_TRIALS}; "
            "run more trials."
        )
    curves = Curves(
        [
            {step: sign * value for step, value in trial.intermediate_values.items() if isfinite(value)}
            for trial, _ in ended
        ],
        finals,
    )
    places = [_coordinates(trial, domain) for trial, _ in ended]
    worst = max(finals.values())
    bad, notes = _bad_failures(domain, places, outcomes) if failed_as_worst is None else (failed_as_worst, ())
    rows = []
    for i, (trial, _) in enumerate(ended):
        outcome = outcomes[i]
        if outcome is Outcome.COMPLETED:
            scored = finals[i], 0.0
        elif outcome is Outcome.FAILED and bad and trial.params:
            scored = worst, 0.0
        elif not (EFFECTS[outcome].spends_slot or EFFECTS[outcome].pauses):
            continue
        elif outcome is Outcome.INFEASIBLE:
            continue  # it was not trained, so nothing is known of its score
        elif EFFECTS[outcome].feasible:
            scored = curves.expected(i)
        else:
            scored = worst, 0.0
        place = places[i]
        if place is not None:
            rows.append((trial, outcome, *place, *scored))
    if stand_ins:
        said = (
            f"{len(stand_ins)} completed trials have an infinite score or a stand-in far beyond all others; "
        )
        notes = (said + "such trials count as diverged.", *notes)
    return Table(
        domain=domain,
        coordinates=np.array([row[2] for row in rows]),
        active=np.array([row[3] for row in rows]),
        loss=np.array([row[4] for row in rows]),
        variance=np.array([row[5] for row in rows]),
        outcomes=tuple(row[1] for row in rows),
        exploration=np.array([bool(row[0].user_attrs.get("exploration", False)) for row in rows]),
        numbers=tuple(row[0].number for row in rows),
        counts=dict(Counter(outcomes)),
        minimize=minimize,
        policy=(DIVERGED, PRUNED, WORST if bad else FAILED),
        notes=notes,
    )


def stand_in(losses: Iterable[float]) -> float:
    """Give the loss from which on a score is no measurement: infinity, or a number written in its place.

    Such as 1e10 for a configuration that does not work: all losses from there on are beyond the rest by
    more than `STAND_IN` times the rest's whole range, and the largest stands there more than once or
    further still.
    """
    ordered = np.sort([loss for loss in losses if isfinite(loss)])
    for first in range(max(len(ordered) // 2, FEWEST_TRIALS), len(ordered)):
        spread = ordered[first - 1] - ordered[0]
        gap = ordered[first] - ordered[first - 1]
        needed = STAND_IN if ordered[first] == ordered[-1] and first < len(ordered) - 1 else FAR_STAND_IN
        if spread > 0 and gap > needed * spread:
            return float(ordered[first])
    return inf


def _bad_failures(
    domain: Domain, places: Sequence[tuple[Array, Mask] | None], outcomes: Sequence[Outcome]
) -> tuple[bool, tuple[str, ...]]:
    """Say whether failed trials tell that their configurations are bad, and name what was found."""
    known = [i for i, place in enumerate(places) if place is not None]
    failed = np.array([outcomes[i] is Outcome.FAILED for i in known])
    count = sum(outcome is Outcome.FAILED for outcome in outcomes)
    if not count:
        return False, ()
    many = f"{count} of {len(outcomes)} trials failed"
    found = failing_depends_on(
        domain,
        np.array([place[0] for i in known if (place := places[i]) is not None]),
        np.array([place[1] for i in known if (place := places[i]) is not None]),
        failed,
    )
    if found is None:
        return False, (
            f"{many} and are left out: how many fail depends on no parameter that the trials show.",
        )
    return True, (
        f"{many}, and how many fail depends on {found.name}: they count as the worst completed trial.",
    )


def _coordinates(trial: FrozenTrial, domain: Domain) -> tuple[Array, Mask] | None:
    """Place a trial, or give None where it holds an option that the space does not have."""
    place = np.zeros(len(domain.axes))
    present = np.zeros(len(domain.axes), dtype=bool)
    for column, axis in enumerate(domain.axes):
        if axis.name in trial.params:
            position = coordinate(axis, as_option(trial.params[axis.name]))
            if position is None:
                return None
            place[column], present[column] = position, True
    for column, axis in enumerate(domain.axes):
        present[column] &= all(
            present[gate] and place[gate] in codes for gate, codes in axis.conditions.items()
        )
    return np.where(present, place, 0.0), present
