"""How a trial ended: a few named outcomes, and what each means for Optuna, the sampler and the slot."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from types import MappingProxyType

from optuna.trial import FrozenTrial, TrialState

OUTCOME = "outcome"  # attribute of a trial
CONSTRAINT = "diverged"  # the constraint that tells samplers where training does not work


class Outcome(Enum):
    """How a trial ended."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    DIVERGED = "diverged"  # NaN, infinity, or beyond the study's own bound
    PREEMPTED = "preempted"  # the worker was asked to stop
    LOST = "lost"  # the worker vanished
    FAILED = "failed"  # an error in the user's code


@dataclass(frozen=True)
class Effect:
    """What an outcome does.

    `state` is Optuna's. `feasible` is what the constraint tells samplers. `spends_slot` says whether the
    slot is done, and `fresh` whether a slot that is not is tried again with another suggestion instead of
    the same.
    """

    state: TrialState
    feasible: bool
    spends_slot: bool
    fresh: bool = False


EFFECTS = MappingProxyType(
    {
        Outcome.COMPLETED: Effect(TrialState.COMPLETE, feasible=True, spends_slot=True),
        Outcome.PRUNED: Effect(TrialState.PRUNED, feasible=True, spends_slot=True),
        # Told as FAIL, Optuna would forget the trial and suggest its neighbour.
        Outcome.DIVERGED: Effect(TrialState.PRUNED, feasible=False, spends_slot=True),
        Outcome.PREEMPTED: Effect(TrialState.FAIL, feasible=True, spends_slot=False),
        Outcome.LOST: Effect(TrialState.FAIL, feasible=True, spends_slot=False),
        Outcome.FAILED: Effect(TrialState.FAIL, feasible=True, spends_slot=False, fresh=True),
    }
)


def outcome_of(trial: FrozenTrial) -> Outcome | None:
    """Say how a trial ended, or None while it has not.

    The state decides, since a trial takes only one, and the outcome it was given says more where it fits.
    It does not where a worker that was thought dead told it at the moment that another declared it lost,
    and a trial of plain Optuna has none. A diverged trial may be COMPLETE, for samplers that read no others;
    one of plain Optuna has diverged if what it scored last is no number.
    """
    if not trial.state.is_finished():
        return None
    name = trial.user_attrs.get(OUTCOME)
    named = next((outcome for outcome in Outcome if outcome.value == name), None)
    if named is not None and EFFECTS[named].state is trial.state:
        return named
    if trial.state is TrialState.FAIL:
        return Outcome.FAILED if named is None else Outcome.LOST
    if named is Outcome.DIVERGED or trial.constraints.get(CONSTRAINT, 0.0) > 0 or not _is_finite(trial):
        return Outcome.DIVERGED
    return Outcome.COMPLETED if trial.state is TrialState.COMPLETE else Outcome.PRUNED


def _is_finite(trial: FrozenTrial) -> bool:
    if trial.state is TrialState.COMPLETE:
        return all(map(isfinite, trial.values or ()))
    last = trial.last_step
    return last is None or isfinite(trial.intermediate_values[last])
