"""The life of one trial in the ledger: asked for a slot, its validations reported, told when it has ended."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.trial import Trial, TrialState, create_trial

from search_spaces.configuration import Configuration, configure
from search_spaces.space import Value
from search_spaces.suggest import suggest
from studies.classes import make_pruner
from studies.errors import UnknownStudy
from studies.ledger import Ledger
from studies.outcomes import CONSTRAINT, EFFECTS, OUTCOME, Outcome, outcome_of
from studies.pruners import Pruning, default_pruner
from studies.samplers.for_slot import CONFIGURATION, sampler_for
from studies.seeds import training_seed
from studies.slots import Slot

FAILURES_IN_A_ROW = 3  # errors in the user's code after which a study is stopped
LAPSED = "its worker stopped renewing its lease"  # the cause that a lost trial is told with
_LONGEST_FACT = (
    10_000  # characters; MySQL keeps 65,535 bytes of an attribute, and JSON takes up to six for one
)
_DELETED = "The study {name!r} has been deleted while it ran; start it again."


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has a slot and has not ended.

    `identifier` is its number in Optuna's tables. `seed` seeds the training; it follows from the slot.
    `started` is when it was asked for, by the monotonic clock.
    """

    slot: Slot
    trial: Trial
    identifier: int
    values: Mapping[str, Value]
    configuration: Configuration
    seed: int
    started: float
    pruning: Pruning

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number


def ask(ledger: Ledger, worker: str) -> RunningTrial | None:
    """Claim a slot and make its trial; None where no slot is free now.

    Args:
        ledger: the study.
        worker: a name for the table of slots, such as host and process.

    Raises:
        UnknownStudy: the study has been deleted meanwhile.
    """
    while (slot := ledger.slots.claim(worker)) is not None:
        if slot.lapsed:
            slot = _settle(ledger, slot)
        running = None if slot is None else _begin(ledger, slot, worker)
        if running is not None:
            return running
    if not ledger.is_there():
        raise UnknownStudy(_DELETED.format(name=ledger.name))
    return None


def report(running: RunningTrial, step: int, score: float) -> bool:
    """Record one validation.

    Args:
        running: the trial.
        step: which validation, counted from 1.
        score: its score.

    Returns: Whether training shall stop: the pruner wants it, or the slot was given to another worker,
        because this one did not renew its lease. A trial that explores is never pruned.
    """
    try:
        running.trial.report(score, step)
        # One that explores is asked about too, because successive halving notes who reached a rung when it
        # is asked.
        stops = running.pruning.stops(running.trial, step)
    except UpdateFinishedTrialError:
        return True
    return stops and not running.slot.explore


def tell(
    ledger: Ledger, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
) -> bool:
    """Record how a trial ended, and spend or free its slot.

    Args:
        ledger: the study.
        running: the trial.
        outcome: how it ended.
        score: its score, for a completed trial.
        facts: what else to keep as attributes of the trial, such as a cause in words.

    Returns: Whether it was recorded; False where another worker had declared the trial lost, because its
        lease lapsed.

    Raises:
        UnknownStudy: the study has been deleted meanwhile.
    """
    effect = EFFECTS[outcome]
    violation = -1.0 if effect.feasible else 1.0
    seconds = round(time.monotonic() - running.started, 3)
    try:
        for key, value in {**facts, OUTCOME: outcome.value, "seconds": seconds}.items():
            running.trial.set_user_attr(key, _shortened(value))
        running.trial.set_constraint(CONSTRAINT, violation)
        # optuna-dashboard 0.21 reads only this older form.
        ledger.database.storage.set_trial_system_attr(running.identifier, "constraints", [violation])
        ledger.study.tell(running.trial, values=score, state=effect.state)
    except (UpdateFinishedTrialError, ValueError):
        if not ledger.database.storage.get_trial(running.identifier).state.is_finished():
            raise  # the score is no number
        return False
    except KeyError as error:
        if ledger.is_there():
            raise
        raise UnknownStudy(_DELETED.format(name=ledger.name)) from error
    _release(ledger, running.slot, outcome)
    return True


def failures_in_a_row(ledger: Ledger) -> int:
    """Count the trials, last to end first, that ended with an error in the user's code."""
    ended = [
        (
            trial.datetime_complete,
            trial.number,
            trial,
        )  # by number where the database keeps whole seconds only
        for trial in ledger.trials()
        if trial.datetime_complete is not None
    ]
    count = 0
    for _, _, trial in sorted(ended, reverse=True):
        outcome = outcome_of(trial)
        if outcome is Outcome.FAILED:
            count += 1
        elif outcome in (Outcome.COMPLETED, Outcome.PRUNED, Outcome.DIVERGED):
            break
    return count


def pruner_of(ledger: Ledger) -> BasePruner:
    """Make the study's pruner."""
    return make_pruner(_pruner(ledger))


def _pruner(ledger: Ledger) -> Mapping[str, Any]:
    return ledger.definition.pruner or default_pruner(ledger.definition.fixed)


def _begin(ledger: Ledger, slot: Slot, worker: str) -> RunningTrial | None:
    """Make the trial of a claimed slot; None where the claim was lost meanwhile."""
    started = time.monotonic()
    template = create_trial(
        state=TrialState.RUNNING,
        user_attrs={
            "slot": slot.number,
            "attempt": slot.attempt,
            "exploration": slot.explore,
            "worker": worker,
        },
    )
    # In one transaction with its slot, which `Study.ask` could not do: a trial that a killed worker leaves
    # behind can always be traced.
    identifier = ledger.database.storage.create_new_trial(ledger.identifier, template)
    try:
        ledger.study.sampler = sampler_for(ledger, slot)
        trial = Trial(ledger.study, identifier)
        if not ledger.slots.assign(slot, trial.number):
            _declare_lost(ledger, identifier)
            return None
        values = suggest(trial, ledger.definition.space)
        configuration = configure(ledger.definition.fixed, ledger.definition.space, values)
        trial.set_user_attr(CONFIGURATION, configuration)
    except UpdateFinishedTrialError:
        return None  # another worker has declared it lost
    except Exception as error:
        _declare_lost(ledger, identifier, cause=f"no values: {type(error).__name__}: {error}")
        ledger.slots.free(slot, fresh=False)
        raise
    seed = training_seed(ledger, slot.number)
    return RunningTrial(
        slot, trial, identifier, values, configuration, seed, started, Pruning(_pruner(ledger))
    )


def _settle(ledger: Ledger, slot: Slot) -> Slot | None:
    """End what a lost worker has left in a slot; None where the slot turns out to be done, or is opened."""
    for left in ledger.trials(TrialState.RUNNING):
        if left.user_attrs.get("slot") == slot.number:
            storage = ledger.database.storage
            identifier = storage.get_trial_id_from_study_id_trial_number(ledger.identifier, left.number)
            _declare_lost(ledger, identifier)
    outcome = None if slot.trial is None else outcome_of(ledger.trial(slot.trial))
    if outcome is None or outcome is Outcome.LOST or outcome is Outcome.PREEMPTED:
        return slot
    # Its worker was killed, or is slow, between telling the trial and releasing the slot.
    _release(ledger, slot, outcome)
    return None


def _shortened(fact: Any) -> Any:
    """Cut a long text to its end, where a traceback says what happened."""
    return f"... {fact[-_LONGEST_FACT:]}" if isinstance(fact, str) and len(fact) > _LONGEST_FACT else fact


def _release(ledger: Ledger, slot: Slot, outcome: Outcome) -> None:
    effect = EFFECTS[outcome]
    if effect.spends_slot:
        ledger.slots.finish(slot)
    else:
        ledger.slots.free(slot, fresh=effect.fresh)


def _declare_lost(ledger: Ledger, identifier: int, cause: str = LAPSED) -> None:
    storage = ledger.database.storage
    try:
        storage.set_trial_user_attr(identifier, OUTCOME, Outcome.LOST.value)
        storage.set_trial_user_attr(identifier, "cause", cause)
        storage.set_trial_state_values(identifier, TrialState.FAIL)
    except UpdateFinishedTrialError:
        return  # its worker is alive, and has told it just now
