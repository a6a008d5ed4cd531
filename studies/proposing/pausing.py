"""A stop rule that stops nothing for good: trials pause at rungs, and the best of them are taken up again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from search_spaces.space.nodes import Group
from studies.definition.classes import ClassConfig, make_pruner
from studies.proposing.expected_ends import loss_at
from studies.proposing.optuna_sampler import history_of
from studies.proposing.proposer import History
from studies.proposing.seeds import seed_of
from studies.proposing.stop_rule import GO_ON, Action, Decision
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord, furthest_attempts

LAST = 2 / 3  # of a trial's validations, where the last rung stands
FIRST = 2  # validation at which a rung may stand; at the first a learning rate may still warm up
MOST_RUNGS = 20


@dataclass(frozen=True)
class PausingRule:
    """Pauses trials at rungs, and has the best share of each rung go on.

    Source: asynchronous successive halving, Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020, whose promotion it is. A trial that explores goes on by chance, with the same
    probability, so that those which end are not only those which began well; it may be taken up by its rank
    later.

    Attributes:
        rungs: validations, rising, before the last one.
        share: of the trials that reached a rung, how many go on.
    """

    rungs: Sequence[int]
    share: float

    def decided_at(self, *, explores: bool) -> tuple[int, ...]:
        """Name the rungs, at which those that explore pause too."""
        return tuple(self.rungs)

    def is_due(self, step: int, before: int) -> bool:
        """Say whether a trial has come to a rung, or past it where it has no score there."""
        return any(before < rung <= step for rung in self.rungs)

    def decide(self, history: History, running: TrialRecord) -> Decision:
        """Have a trial go on from a rung where it is among the best share by now; else pause it."""
        before, rung = [0, 0, *sorted(running.curve)][-2:]
        if not self.is_due(rung, before):
            return GO_ON
        settings = history.definition.settings
        if running.explores and running.slot is not None:
            random = np.random.default_rng(seed_of(history.definition, running.slot, rung, 1))
            return GO_ON if random.random() < self.share else Decision(Action.PAUSE, "by chance")
        there = [
            loss_at(record, rung, settings)
            for record in furthest_attempts(history.records)
            if record.slot != running.slot and _reached(record, rung)
        ]
        mine = loss_at(running, rung, settings)
        rank = sum(loss <= mine for loss in there) + 1
        if rank <= floor(self.share * (len(there) + 1)):
            return GO_ON
        return Decision(Action.PAUSE, f"rank {rank} of {len(there) + 1} at validation {rung}")

    def take_up(self, history: History, among: Collection[int] | None = None) -> TrialRecord | None:
        """Give the paused trial that goes on next: of the highest rung where one is among the best share.

        Rungs are the validations at which trials are paused, since how many a trial has may depend on its
        values.

        Args:
            history: of the study.
            among: the slots that wait to be taken up; by default those of all trials that are paused. A
                study that is over has closed its slots, and more of them may be begun later.
        """
        settings = history.definition.settings
        records = furthest_attempts(history.records)
        last = {one.slot: one.attempt for one in sorted(history.records, key=lambda one: one.attempt or 0)}
        paused = {
            one.number
            for one in records
            if one.outcome is Outcome.PAUSED
            and one.curve
            and one.attempt == last[one.slot]
            and (among is None or one.slot in among)
        }
        rungs = {max(record.curve) for record in records if record.number in paused}
        for rung in sorted(rungs, reverse=True):
            there = [record for record in records if _reached(record, rung)]
            there.sort(key=lambda record: (loss_at(record, rung, settings), record.number))
            for record in there[: floor(self.share * len(there))]:
                if record.number in paused and max(record.curve) == rung:
                    return record
        return None


def _reached(record: TrialRecord, rung: int) -> bool:
    return record.slot is not None and max(record.curve, default=0) >= rung


class PausingPruner(BasePruner):
    """Pauses trials at rungs and takes the best up again, where the tuner runs the study.

    In a program that uses Optuna alone a trial cannot pause; there it is stopped at a rung, as successive
    halving does, unless it is among the best share.

    Args:
        rungs: how many there are. The last stands at two thirds of a trial's validations, each before it at
            `share` of the one behind it, none before the second validation.
        share: of the trials that reached a rung, how many go on; more than 0 and less than 1.
        validations: how many a trial has, which the tuner knows by itself.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, rungs: int = 2, share: float = 0.5, validations: int | None = None) -> None:
        if not 1 <= rungs <= MOST_RUNGS:
            raise ValueError(f"rungs must be 1 to {MOST_RUNGS}, but got {rungs}")
        if not 0 < share < 1:
            raise ValueError(f"share must be more than 0 and less than 1, but got {share:g}")
        self._rungs, self._share, self._validations = rungs, share, validations

    def rule(self, validations: int | None) -> PausingRule:
        """Give the rule for trials of so many validations; without rungs where their number is not known."""
        if validations is None:
            return PausingRule((), self._share)
        places = {ceil(LAST * validations * self._share**k) for k in range(self._rungs)}
        return PausingRule(sorted(place for place in places if FIRST <= place < validations), self._share)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Stop a trial of plain Optuna at a rung, unless it is among the best share.

        Raises:
            ValueError: nobody has said how many validations a trial has.
        """
        if self._validations is None:
            raise ValueError("outside the tuner, say how many validations a trial has: validations=18")
        rule = self.rule(self._validations)
        before, last = [0, 0, *sorted(trial.intermediate_values)][-2:]
        if not rule.is_due(last, before):
            return False
        running = TrialRecord.of(trial, slot=trial.number)
        return bool(rule.decide(history_of(study, Group({})), running).verdict)


def pausing_rule(pruner: ClassConfig | None, validations: int | None = None) -> PausingRule | None:
    """Give the rule by which a study pauses trials of so many validations; None where it pauses none.

    Args:
        pruner: of the study, as `class_path` and `init_args`.
        validations: of a trial; to take trials up, nobody needs to know them.
    """
    made = None if pruner is None else make_pruner(pruner)
    return made.rule(validations) if isinstance(made, PausingPruner) else None
