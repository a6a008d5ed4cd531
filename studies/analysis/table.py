"""The trials of a study as a table: where each lies in its space, what it scored, and how it ended.

What is done with a trial that has no final score is a policy, and the table says it (`Table.policy`): a
diverged trial counts as the worst completed one; a pruned one as what completed trials that scored alike at
its last step came to, with the uncertainty of that; a failed one carries no score and is counted only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from optuna.trial import FrozenTrial

from search_spaces.space import Group
from studies.analysis.domain import Array, Domain, Mask, as_option, coordinate, domain_of
from studies.analysis.errors import NothingToAnalyse, SeveralObjectives
from studies.outcomes import EFFECTS, Outcome, outcome_of

FEWEST_CURVES = 5  # completed trials with a score at the step where another was pruned
FEWEST_TRIALS = 5  # with which anything can be fitted

POLICY = (
    "A diverged trial counts as the worst completed one.",
    (
        "A pruned trial whose last step is the last of the completed ones counts with its last score; "
        "any other as what the completed trials that ranked alike at its last step came to, with their "
        "spread around that rule as its uncertainty, or, with fewer than five such trials, as somewhere "
        "in their worse half."
    ),
    "A failed, preempted or lost trial has no score and is counted only.",
)


@dataclass(frozen=True, eq=False)
class Table:
    """Trials that carry information, one a row.

    `coordinates` and `active` are `(n, axes)`, `loss` is the score as it is minimized, `(n,)`, `variance` how
    uncertain a row's loss is beyond the study's noise, `(n,)`, in the objective's unit squared. `counts`
    holds every ended trial of the study by outcome, those without a row included.
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
    policy: tuple[str, ...] = POLICY

    @property
    def trials(self) -> int:
        """How many trials have a row."""
        return len(self.loss)

    @property
    def completed(self) -> Mask:
        """Which rows are of completed trials, `(n,)`."""
        return np.array([outcome is Outcome.COMPLETED for outcome in self.outcomes])


def observations(
    trials: Sequence[FrozenTrial], space: Group, *, minimize: bool = True, objective: int | None = None
) -> Table:
    """Put a study's trials in a table.

    Args:
        trials: the study's, in any order; those that still run or wait are left out.
        space: what varied. A parameter that a trial does not have, though it should, counts as averaged over.
        minimize: the direction of the objective.
        objective: which one of several to take.

    Raises:
        SeveralObjectives: the study has several and none was chosen.
        NothingToAnalyse: too few trials completed.
    """
    domain = domain_of(space)
    ended = [(trial, outcome) for trial in trials if (outcome := outcome_of(trial)) is not None]
    sign = 1.0 if minimize else -1.0
    # Counted here: trials that belong to no study yet all have the number -1.
    finals = {
        i: sign * _score(trial, objective)
        for i, (trial, outcome) in enumerate(ended)
        if outcome is Outcome.COMPLETED
    }
    if len(finals) < FEWEST_TRIALS:
        raise NothingToAnalyse(
            f"The study has {len(finals)} completed trials and an analysis needs at least {FEWEST_TRIALS}; "
            "run more trials."
        )
    curves = [{step: sign * value for step, value in trial.intermediate_values.items()} for trial, _ in ended]
    rows = []
    for i, (trial, outcome) in enumerate(ended):
        if outcome is Outcome.COMPLETED:
            scored = finals[i], 0.0
        elif not EFFECTS[outcome].spends_slot:
            continue
        elif EFFECTS[outcome].feasible:
            scored = _expected_final(curves[i], curves, finals)
        else:
            scored = max(finals.values()), 0.0
        place = _coordinates(trial, domain)
        if place is not None:
            rows.append((trial, outcome, *place, *scored))
    return Table(
        domain=domain,
        coordinates=np.array([row[2] for row in rows]),
        active=np.array([row[3] for row in rows]),
        loss=np.array([row[4] for row in rows]),
        variance=np.array([row[5] for row in rows]),
        outcomes=tuple(row[1] for row in rows),
        exploration=np.array([bool(row[0].user_attrs.get("exploration", False)) for row in rows]),
        numbers=tuple(row[0].number for row in rows),
        counts=dict(Counter(outcome for _, outcome in ended)),
        minimize=minimize,
    )


def _score(trial: FrozenTrial, objective: int | None) -> float:
    values = trial.values or []
    if objective is None and len(values) > 1:
        raise SeveralObjectives(
            f"The study has {len(values)} objectives and one is analysed at a time; "
            f"name it with --objective 0 to {len(values) - 1}."
        )
    if objective is not None and not 0 <= objective < len(values):
        raise SeveralObjectives(f"The study has no objective {objective}; it has 0 to {len(values) - 1}.")
    return float(values[objective or 0])


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


def _expected_final(
    curve: Mapping[int, float], curves: Sequence[Mapping[int, float]], finals: Mapping[int, float]
) -> tuple[float, float]:
    """Say what a pruned trial would have come to, and the variance of that."""
    sorted_finals = np.sort(list(finals.values()))
    step = max(curve, default=-1)
    last_steps = [max(curves[i], default=-1) for i in finals]
    if step >= 0 and step >= max(last_steps):
        return curve[step], 0.0
    beside = [i for i in finals if isfinite(curves[i].get(step, float("nan")))]
    if len(beside) < FEWEST_CURVES or step not in curve:
        worse = sorted_finals[len(sorted_finals) // 2 :]
        return float(np.mean(worse)), float(np.var(worse))
    there, here = np.array([curves[i][step] for i in beside]), np.array([finals[i] for i in beside])
    # Ranks carry over what the curve's unit does not: a score at one step to a final score.
    expected = np.interp(there, np.sort(there), np.sort(here))
    return float(np.interp(curve[step], np.sort(there), np.sort(here))), float(
        np.mean((expected - here) ** 2)
    )
