"""A trial that runs: its slot, its values, and the scores that it reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.trial import Trial

from search_spaces.configuration import Configuration
from search_spaces.space.nodes import Value
from studies.definition.classes import make_pruner
from studies.definition.length import TrialLength
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.proposing.optuna_pruner import default_pruner
from studies.proposing.stop_rule import Action
from studies.running.reporting import Reports
from studies.running.trainings.done import Trainings


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has a slot and has not ended.

    `identifier` is its number in Optuna's tables. `seed` seeds its first training; it follows from the slot.
    `started` is when it was asked for, by the monotonic clock.
    """

    slot: Slot
    trial: Trial
    identifier: int
    values: Mapping[str, Value]
    configuration: Configuration
    seed: int
    started: float
    reports: Reports
    trainings: Trainings

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number

    @property
    def validations(self) -> int | None:
        """How many validations the trial has, as far as that is known."""
        return self.reports.length.validations


def report(running: RunningTrial, step: int, score: float) -> Action:
    """Record one validation.

    Args:
        running: the trial.
        step: which validation, counted from 1.
        score: its score.

    Returns: What becomes of the training. It stops where the pruner wants it, or where the slot was given to
        another worker, because this one did not renew its lease.
    """
    try:
        return running.reports.add(step, score)
    except (UpdateFinishedTrialError, KeyError):  # its slot was given away, or its study has been deleted
        return Action.STOP


def carry_on(running: RunningTrial, scores: Mapping[int, float]) -> None:
    """Record the scores of an earlier attempt, behind which this one goes on.

    The pruner notes who reached a rung when it is asked, so it is; it has let the attempt pass there, so what
    it says now does not matter.

    Args:
        running: the trial, of which nothing has been reported.
        scores: the scores by their steps.
    """
    for step, score in scores.items():
        report(running, step, score)
    running.reports.paid = running.reports.last


def measure(running: RunningTrial, length: TrialLength) -> tuple[int, ...] | None:
    """Take up how long a trial is, and put the rungs of the default pruner where they belong.

    Args:
        running: the trial, of which nothing has been reported.
        length: as the training tells it.

    Returns: The validations after which the trial may be paused or stopped; None means after any.
    """
    running.reports.measure(length)
    return running.reports.rule.decided_at(explores=running.slot.explore)


def pruner_of(ledger: Ledger) -> BasePruner:
    """Make the study's pruner, as far as its length is known before a trial has begun."""
    return make_pruner(ledger.definition.pruner or default_pruner(TrialLength.of(ledger.definition.fixed)))
