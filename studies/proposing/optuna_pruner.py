"""Optuna's pruners as stop rules, and the pruner that a study has where its file names none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial

from studies.definition.classes import SUCCESSIVE_HALVING, ClassConfig, has_known_rungs
from studies.definition.length import TrialLength
from studies.proposing.proposer import History
from studies.proposing.seeds import seed_of
from studies.proposing.stop_rule import GO_ON, Action, Decision
from studies.trials.record import TrialRecord

REDUCTION = 3  # a third of the trials that reach a rung go on
MOST_VALIDATIONS = 10**6  # more than a trial ever makes

NO_PRUNING = "optuna.pruners.NopPruner"


def default_pruner(length: TrialLength) -> dict[str, Any]:
    """Name asynchronous successive halving with rungs at a ninth and a third of the validations.

    Source: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.

    A rung after the first validation, Optuna's default, would stop most trials while their learning rate
    still warms up. Where the validations of a trial are not known, nothing is pruned.

    Args:
        length: of a trial.

    Returns:
        The class and its arguments, as a study file would name them.
    """
    first = length.first_rung()
    if first is None:
        return {"class_path": NO_PRUNING, "init_args": {}}
    return {
        "class_path": SUCCESSIVE_HALVING,
        "init_args": {"min_resource": first, "reduction_factor": REDUCTION},
    }


@dataclass(frozen=True)
class Rungs:
    """Where successive halving decides: after `first * factor**k` validations, for k = 0, 1, 2, ..."""

    first: int
    factor: int

    def after(self, step: int) -> int:
        """Give the first rung beyond `step`."""
        rung = self.first
        while rung <= step:
            rung *= self.factor
        return rung


def rungs_of(pruner: Mapping[str, Any]) -> Rungs | None:
    """Give the rungs of a pruner that a study names, or None where it may decide at any validation."""
    if not has_known_rungs(pruner):
        return None
    arguments = {"reduction_factor": 4, **pruner["init_args"]}
    first, factor = arguments["min_resource"], arguments["reduction_factor"]
    return Rungs(first * factor ** arguments.get("min_early_stopping_rate", 0), factor)


def decisions_of(pruner: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Name the validations after which a pruner may stop a trial; None means after any.

    Args:
        pruner: the pruner of the study, as `class_path` and `init_args`.
    """
    if pruner["class_path"] == NO_PRUNING:
        return ()
    rungs = rungs_of(pruner)
    if rungs is None:
        return None
    found = [rungs.first]
    while found[-1] < MOST_VALIDATIONS:
        found.append(rungs.after(found[-1]))
    return tuple(found)


class ByPruner:
    """Asks a trial's pruner, but not where its answer is known.

    Asking reads the other trials from the database, and that once a validation costs more than all the rest
    of a trial's records. Successive halving answers no until the next rung; the decisions are those of
    asking every time.

    A trial that explores is stopped by no score, so that those which end are not only those which began well.

    Args:
        pruner: of the study, as `class_path` and `init_args`.
        study: as Optuna has it, with the pruner.
        trial: gives the trial as Optuna has it, its last validation included.
        stops_exploring: whether one that explores goes on by chance at each rung of successive halving, with
            the probability that others have. Else it runs to its end, as under any other pruner, and as the
            defaults in the first slot do.
    """

    def __init__(
        self,
        pruner: ClassConfig,
        study: Study,
        trial: Callable[[], FrozenTrial],
        *,
        stops_exploring: bool = False,
    ) -> None:
        self._pruner, self._study, self._trial = pruner, study, trial
        self._never = pruner["class_path"] == NO_PRUNING
        self._rungs = rungs_of(pruner)
        self._next = self._rungs.first if self._rungs else 0
        self._drawn = self._rungs if stops_exploring else None  # where chance decides of one that explores

    def decided_at(self, *, explores: bool) -> tuple[int, ...] | None:
        """Name the validations after which it may stop the trial, such as one that explores."""
        return () if explores and self._drawn is None else decisions_of(self._pruner)

    def is_due(self, step: int, before: int) -> bool:
        """Say whether the pruner has to be asked after validation `step`."""
        return not self._never and step >= self._next

    def decide(self, history: History, running: TrialRecord) -> Decision:
        """Ask the study's pruner, or chance."""
        step = max(running.curve, default=0)
        decision = GO_ON
        if running.explores and self._drawn is not None:
            decision = self._by_chance(self._drawn, history, running, step)
        # What `Trial.should_prune` does with the validations that were reported through it. One that explores
        # is asked about too, because successive halving notes who reached a rung when it is asked.
        elif self._study.pruner.prune(self._study, self._trial()) and not running.explores:
            decision = Decision(Action.STOP, f"{type(self._study.pruner).__name__} has stopped it")
        # A trial that goes on all the same is asked until it has passed the rung: NaN fails it without
        # passing.
        if self._rungs is not None and not decision.verdict:
            self._next = self._rungs.after(step)
        return decision

    def _by_chance(self, rungs: Rungs, history: History, running: TrialRecord, step: int) -> Decision:
        """Draw for each rung up to a validation of which nobody has drawn yet; the same draw every time."""
        if not running.slot:
            return GO_ON
        rung = self._next
        while rung <= step:
            drawn = np.random.default_rng(seed_of(history.definition, running.slot, rung, 1)).random()
            if drawn >= 1 / rungs.factor:
                return Decision(
                    Action.STOP,
                    f"by chance: of the quasi-random trials one in {rungs.factor} goes on from "
                    f"validation {rung}",
                )
            rung = rungs.after(rung)
        return GO_ON
