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
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    PREEMPTED = "preempted"  # the worker was asked to stop
    LOST = "lost"  # the worker vanished
    DISK_FULL = "disk full"
    UNREADABLE = "unreadable data"
    FAILED = "failed"  # an error in the user's code


@dataclass(frozen=True)
class Effect:
    """What an outcome does.

    `state` is Optuna's. `feasible` is what the constraint tells samplers. `spends_slot` says whether the
    slot is done, and `fresh` whether a slot that is not is tried again with another suggestion instead of
    the same. `is_error` says that it counts among the errors after which a study is stopped, and
    `may_be_retried` that it spends its slot only the second time, if the study says so.
    """

    state: TrialState
    feasible: bool = True
    spends_slot: bool = False
    fresh: bool = False
    is_error: bool = False
    may_be_retried: bool = False


# Told as FAIL, Optuna would forget a trial that diverged, and suggest its neighbour.
_INFEASIBLE = Effect(TrialState.PRUNED, feasible=False, spends_slot=True)
_AT_A_LIMIT = Effect(TrialState.PRUNED, feasible=False, spends_slot=True, may_be_retried=True)
_INTERRUPTED = Effect(TrialState.FAIL)
EFFECTS = MappingProxyType(
    {
        Outcome.COMPLETED: Effect(TrialState.COMPLETE, spends_slot=True),
        Outcome.PRUNED: Effect(TrialState.PRUNED, spends_slot=True),
        Outcome.DIVERGED: _INFEASIBLE,
        Outcome.OUT_OF_MEMORY: _AT_A_LIMIT,
        Outcome.TIMED_OUT: _AT_A_LIMIT,
        Outcome.PREEMPTED: _INTERRUPTED,
        Outcome.LOST: _INTERRUPTED,
        # The machine's fault, not the suggestion's.
        Outcome.DISK_FULL: Effect(TrialState.FAIL, is_error=True),
        Outcome.UNREADABLE: Effect(TrialState.FAIL, is_error=True),
        Outcome.FAILED: Effect(TrialState.FAIL, fresh=True, is_error=True),
    }
)


def count_name(outcome: Outcome) -> str:
    """Give the key under which trials of an outcome are counted."""
    return "complete" if outcome is Outcome.COMPLETED else outcome.name.lower()


def states_of(outcome: Outcome) -> frozenset[TrialState]:
    """Give Optuna's states in which trials of an outcome can be.

    One that is infeasible is complete where the study's sampler reads only completed trials, and failed
    where it is tried once more.
    """
    effect = EFFECTS[outcome]
    states = {effect.state}
    if not effect.feasible:
        states.add(TrialState.COMPLETE)
    if effect.may_be_retried:
        states.add(TrialState.FAIL)
    return frozenset(states)


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
    if named is not None and trial.state in states_of(named):
        return named
    if trial.state is TrialState.FAIL:
        return Outcome.FAILED if named is None else Outcome.LOST
    if trial.constraints.get(CONSTRAINT, 0.0) > 0 or not _is_finite(trial):
        return Outcome.DIVERGED
    return Outcome.COMPLETED if trial.state is TrialState.COMPLETE else Outcome.PRUNED


def _is_finite(trial: FrozenTrial) -> bool:
    if trial.state is TrialState.COMPLETE:
        return all(map(isfinite, trial.values or ()))
    last = trial.last_step
    return last is None or isfinite(trial.intermediate_values[last])
