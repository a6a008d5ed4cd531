"""How a trial ended: a few named outcomes, and what each means for Optuna, the slot and whoever looks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite, isnan
from types import MappingProxyType
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from studies.trials.attributes import METRICS, OUTCOME

CONSTRAINT = "diverged"  # the constraint that tells samplers where training does not work
_MOST = 10**300  # of a violation: whole numbers far beyond are no floats
LIMIT = "limit:"  # before the name of a metric: the constraint that a limit of the study makes


class Outcome(Enum):
    """How a trial ended."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    PAUSED = "paused"  # at a rung; its slot may be taken up again
    INFEASIBLE = "infeasible"  # by a limit that was broken before any training
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
    """What an outcome does, and how it looks.

    `state` is Optuna's. `feasible` is what the constraint tells samplers. `spends_slot` says whether the
    slot is done, and `fresh` whether a slot that is not is tried again with another suggestion instead of
    the same; `pauses` that it waits until the study takes it up. `is_error` says that it counts among the
    errors after which a study is stopped, and `may_be_retried` that it spends its slot only the second time,
    if the study says so.

    `style` is how a terminal writes the outcome. A figure draws trials that spend their slot, in `colour` and
    with the `mark`, told apart by shape as well as by colour: a report may be printed in black and white.
    `is_usual` says that trials of it are counted in words even where there are none.
    """

    state: TrialState
    feasible: bool = True
    spends_slot: bool = False
    fresh: bool = False
    is_error: bool = False
    may_be_retried: bool = False
    pauses: bool = False
    style: str = ""
    colour: str = ""
    mark: str = ""
    is_usual: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the slot's next attempt goes on from the last checkpoint."""
        return not self.spends_slot and not self.fresh


_COMPLETE, _PRUNED, _FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
EFFECTS = MappingProxyType(
    {
        Outcome.COMPLETED: Effect(
            _COMPLETE, spends_slot=True, style="green", colour="#1f5aa6", mark="circle", is_usual=True
        ),
        Outcome.PRUNED: Effect(
            _PRUNED, spends_slot=True, style="dim", colour="#6b6b6b", mark="triangle-down-open", is_usual=True
        ),
        # Optuna has no state for it. Where the study ends, it is what a pruned one is.
        Outcome.PAUSED: Effect(
            _PRUNED, pauses=True, style="dim", colour="#8c8c8c", mark="triangle-right-open",
        ),
        # Told as FAIL, Optuna would forget a trial that diverged, and suggest its neighbour.
        Outcome.DIVERGED: Effect(
            _PRUNED, feasible=False, spends_slot=True,
            style="yellow", colour="#c8501e", mark="x", is_usual=True,
        ),
        Outcome.INFEASIBLE: Effect(
            _PRUNED, feasible=False, spends_slot=True, style="yellow", colour="#7a5c00", mark="cross-open",
        ),
        Outcome.OUT_OF_MEMORY: Effect(
            _PRUNED, feasible=False, spends_slot=True, may_be_retried=True,
            style="yellow", colour="#8a3fa0", mark="square-open",
        ),
        Outcome.TIMED_OUT: Effect(
            _PRUNED, feasible=False, spends_slot=True, may_be_retried=True,
            style="yellow", colour="#2e7d5b", mark="diamond-open",
        ),
        Outcome.PREEMPTED: Effect(_FAIL, style="dim"),
        Outcome.LOST: Effect(_FAIL, style="yellow"),
        # The machine's fault, not the suggestion's.
        Outcome.DISK_FULL: Effect(_FAIL, is_error=True, style="red"),
        Outcome.UNREADABLE: Effect(_FAIL, is_error=True, style="red"),
        Outcome.FAILED: Effect(_FAIL, fresh=True, is_error=True, style="red", is_usual=True),
    }
)  # fmt: skip


CUT_SHORT = frozenset({Outcome.PRUNED, Outcome.PAUSED})  # what they would have come to is not known


def count_name(outcome: Outcome) -> str:
    """Give the key under which trials of an outcome are counted."""
    return "complete" if outcome is Outcome.COMPLETED else outcome.name.lower()


def in_words(counts: Mapping[str, int], *, without: Collection[Outcome] = (), usual: bool = False) -> str:
    """Write how many trials ended how: `12 complete, 3 pruned`.

    Args:
        counts: by the keys that `count_name` gives.
        without: outcomes that are left out, because they are shown elsewhere.
        usual: whether the usual outcomes are named even where no trial had them.

    Returns: The words; empty where there is nothing to say.
    """
    return ", ".join(
        f"{count} {count_name(outcome).replace('_', ' ')}"
        for outcome in Outcome
        if outcome not in without
        if (count := counts.get(count_name(outcome), 0)) or (usual and EFFECTS[outcome].is_usual)
    )


def ended_in_words(
    outcome: Outcome, score: float | None, *, last: float | None = None, after: int = 0, of: int | None = None
) -> str:
    """Write how a trial ended: `completed 0.12`, or `pruned at 0.44 after 4 of 30`.

    Args:
        outcome: how it ended.
        score: its score, where it has one.
        last: the score of its last validation.
        after: how many validations there were.
        of: how many there would have been, where that is known.
    """
    if score is not None:
        return f"{outcome.value} {score:.5g}"
    if not after or last is None:
        return outcome.value
    return f"{outcome.value} at {last:.5g} after {after}" + (f" of {of}" if of else "")


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


def violations_of(trial: FrozenTrial) -> dict[str, float]:
    """Say by how much a trial breaks the limits of its study, by their metrics; 0 and less keeps one.

    What is not known of a trial, whose limit counts as kept, is left out. Of a trial that another program
    told, all its constraints are limits.
    """
    is_foreign = OUTCOME not in trial.user_attrs
    measured = trial.user_attrs.get(METRICS)
    known = measured if isinstance(measured, Mapping) else {}
    found: Mapping[str, Any] = trial.constraints  # another program's may be anything
    violations: dict[str, float] = {}
    for key, violation in found.items():
        name = key.removeprefix(LIMIT)
        if key.startswith(LIMIT) or (is_foreign and key != CONSTRAINT):
            if not isinstance(violation, int | float) or isnan(violation := _within(violation)):
                continue
            if violation or is_foreign or name in known:
                violations[name] = max(violation, violations.get(name, violation))
    return violations


def _within(violation: float) -> float:
    return float(min(max(violation, -_MOST), _MOST))


def broken_limits(trial: FrozenTrial) -> tuple[str, ...]:
    """Name the metrics of a trial that break a limit of its study."""
    return tuple(name for name, violation in violations_of(trial).items() if violation > 0)


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
