"""Ending trials that nobody told, because their workers are gone, and freeing their slots."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from studies.database import optuna_tables
from studies.database.retry import persistently
from studies.definition.limits import limits_of
from studies.definition.settings import StudySettings
from studies.ledger.absent import GIVEN_UP
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.trials.attributes import CAUSE, OUTCOME
from studies.trials.outcomes import CONSTRAINT, EFFECTS, LIMIT, Outcome, outcome_of
from studies.trials.record import TrialRecord

# Causes that a lost trial is told with. Optuna's storage makes a trial again where a connection breaks.
NO_METRICS: Mapping[str, Any] = MappingProxyType({})
LAPSED = "its worker stopped renewing its lease"
MADE_TWICE = "it was made twice, because an answer of the database was lost; the other trial was trained"


def constrained(
    settings: StudySettings, *, feasible: bool, metrics: Mapping[str, Any] = NO_METRICS
) -> dict[str, Any]:
    """Give the constraints of an ended trial as Optuna's system attributes: whether it works, and each limit.

    Every ended trial has all, because the Gaussian process sampler refuses a study of which some do not. A
    limit on what is not known of a trial is not broken.

    Args:
        settings: of the study.
        feasible: whether its training worked.
        metrics: what was kept of it; None for a value that was no finite number.
    """
    violations = {CONSTRAINT: -1.0 if feasible else 1.0}
    for limit in limits_of(settings.limits):
        is_known = limit.name in metrics
        violations[f"{LIMIT}{limit.name}"] = limit.violation(metrics[limit.name]) if is_known else 0.0
    # The first as `Trial.set_constraint` writes it; optuna-dashboard 0.21 reads only the older second form.
    return {
        **{f"constraints:{name}": violation for name, violation in violations.items()},
        "constraints": list(violations.values()),
    }


def declare_lost(
    ledger: Ledger,
    trial: int,
    cause: str = LAPSED,
    *,
    outcome: Outcome = Outcome.LOST,
    frees: Slot | None = None,
) -> None:
    """End a trial whose worker has vanished, unless it has told it just now.

    Args:
        ledger: the study.
        trial: the trial's number in Optuna's tables.
        cause: why it is lost, in words.
        outcome: what it is told as; that of one that somebody interrupted is another.
        frees: a claimed slot that is opened again with it.
    """

    def write() -> None:
        with ledger.database.engine.begin() as connection:
            optuna_tables.hold(connection, trial)
            attributes = {OUTCOME: outcome.value, CAUSE: cause}
            if frees is not None:
                ledger.slots.free_within(connection, frees, fresh=False)
            optuna_tables.store_attributes(
                connection, trial, attributes, constrained(ledger.definition.settings, feasible=True)
            )
            optuna_tables.end(connection, trial, TrialState.FAIL, None)

    try:
        persistently(write)
    except (UpdateFinishedTrialError, KeyError):
        return  # its worker is alive and has told it, or the study has been deleted


def release(ledger: Ledger, worker: str, outcome: Outcome, cause: str) -> None:
    """End what a worker that is known to be dead, or about to end, has left, and free its slots."""
    for trial in ledger.records(TrialState.RUNNING):
        if trial.worker == worker:
            slot = Slot(
                number=trial.slot or 0,
                explore=False,
                attempt=trial.attempt or 0,
                draw=0,
                trial=None,
                lapsed=True,
                worker=worker,
            )
            declare_lost(ledger, ledger.identifier_of(trial.number), cause, outcome=outcome, frees=slot)
    ledger.slots.workers.leave(worker)


def settle(ledger: Ledger, slot: Slot) -> Slot | None:
    """End what a lost worker has left in a slot; None where the slot turns out to be done, or is opened."""
    for left in ledger.records(TrialState.RUNNING):
        if left.slot == slot.number:
            declare_lost(ledger, ledger.identifier_of(left.number))
    earlier = None if slot.trial is None else outcome_of(ledger.trial(slot.trial))
    if earlier is None or not (EFFECTS[earlier].spends_slot or EFFECTS[earlier].fresh):
        return slot
    if EFFECTS[earlier].may_be_retried and ledger.trial(slot.trial or 0).state is TrialState.FAIL:
        return slot
    # Its worker was slow, and told it at the moment at which the slot was taken from it.
    if EFFECTS[earlier].spends_slot:
        ledger.slots.finish(slot)
    else:
        ledger.slots.free(slot, fresh=True)
    return None


def sweep(ledger: Ledger) -> None:
    """End trials that run though nobody holds their slots: left, or made twice because an answer was lost."""
    for left in ledger.left():
        if left.seconds is None or left.seconds > GIVEN_UP:
            why = _why_left(ledger, TrialRecord.of(left.trial))
            declare_lost(ledger, ledger.identifier_of(left.trial.number), why)


def _why_left(ledger: Ledger, left: TrialRecord) -> str:
    """Say why a trial that nobody trains was left."""
    attempts = [(trial.slot, trial.attempt) for trial in ledger.records()]
    return MADE_TWICE if attempts.count((left.slot, left.attempt)) > 1 else LAPSED


def was_retried(ledger: Ledger, earlier: int | None) -> bool:
    """Say whether one of the earlier attempts at a slot was at a limit that allows one more.

    Args:
        ledger: the study.
        earlier: the number of the attempt before, if there is one.
    """
    while earlier is not None:
        record = TrialRecord.of(ledger.trial(earlier))
        if record.outcome is not None and EFFECTS[record.outcome].may_be_retried:
            return True
        earlier = record.earlier
    return False
