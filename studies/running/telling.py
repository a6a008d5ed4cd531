"""Telling how a trial ended: the trial, its slot and the sampler hear of it together."""

import copy
import json
import math
import time
from collections.abc import Mapping
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import TrialState

from studies.database import optuna_tables
from studies.database.optuna_storage import trial_of
from studies.database.retry import persistently
from studies.ledger.fleet.workers import trained_within
from studies.ledger.ledger import Ledger
from studies.proposing.optuna_sampler import reads_pruned, sampler_of
from studies.running.ended import EndedTrial
from studies.running.lost import NO_METRICS, constrained, was_retried
from studies.running.seen import history_for
from studies.running.trial import RunningTrial
from studies.trials.attributes import CAUSE, METRICS, OUTCOME, SECONDS, UNPRUNED, VALIDATIONS
from studies.trials.outcomes import CUT_SHORT, EFFECTS, Outcome

# Characters; MySQL keeps 65,535 bytes of an attribute, and JSON takes up to six for one.
_LONGEST_FACT = 10_000
_LONGEST_DATA = 60_000  # bytes of what is no text


def tell(
    ledger: Ledger, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
) -> bool:
    """Record how a trial ended, and spend or free its slot, in one transaction.

    Where the database is away, the outcome is held until it can be told.

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
        ValueError: a completed trial has no score, or one that is no number.
    """
    return tell_ended(ledger, ended(ledger, running, outcome, score, facts), running.trial.study)


def ended(
    ledger: Ledger, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]
) -> EndedTrial:
    """Give how a trial ended as a value, of which nothing is told yet; arguments and errors as `tell`'s."""
    if outcome is Outcome.COMPLETED and (score is None or math.isnan(score)):
        raise ValueError(f"A completed trial needs a score that is a number, but got {score}.")
    length = running.reports.length
    if ledger.definition.pruner is None and length.why_unpruned:
        facts = {**facts, UNPRUNED: length.why_unpruned}
    if outcome in CUT_SHORT and running.reports.reason:
        facts = {CAUSE: running.reports.reason, **facts}
    if length.validations is not None:
        facts = {**facts, VALIDATIONS: length.validations}
    facts = {**facts, **running.trainings.told()}
    return EndedTrial(
        ledger=ledger.slots.ledger,
        number=running.number,
        identifier=running.identifier,
        slot=running.slot,
        outcome=outcome,
        score=score,
        facts={key: _shortened(fact) for key, fact in facts.items()},
        curve=running.reports.held(),
        seconds=round(time.monotonic() - running.started, 3),
        epochs=running.reports.epochs,
        devices=length.devices or 1,
    )


def tell_ended(ledger: Ledger, ended: EndedTrial, study: Study | None = None) -> bool:
    """Record how a trial ended, as `tell` does.

    Args:
        ledger: the study.
        ended: the trial.
        study: as Optuna has it, with the sampler that chose the trial's values; None where a file kept it.
    """
    effect, slot = EFFECTS[ended.outcome], ended.slot
    if study is None:
        study = copy.copy(ledger.study)
        study.sampler = sampler_of(ledger.definition, slot)
    is_retried = (
        effect.may_be_retried and ledger.definition.settings.retry and not was_retried(ledger, slot.trial)
    )
    state, value = _as_told(ledger, study, ended, is_retried=is_retried)
    own = {**ended.facts, OUTCOME: ended.outcome.value, SECONDS: ended.seconds}
    kept = ended.facts.get(METRICS)
    constraints = constrained(
        ledger.definition.settings,
        feasible=effect.feasible,
        metrics=kept if isinstance(kept, Mapping) else NO_METRICS,
    )
    cost = {"seconds": ended.seconds * ended.devices, "epochs": ended.epochs}

    def write() -> bool:
        with ledger.database.engine.begin() as connection:
            optuna_tables.hold(connection, ended.identifier)
            optuna_tables.store_curve(connection, ended.identifier, ended.curve)
            optuna_tables.store_attributes(connection, ended.identifier, own, constraints)
            optuna_tables.end(connection, ended.identifier, state, value)
            # Should another worker have taken the slot just now, it finds the trial told, and releases it.
            if effect.spends_slot and not is_retried:
                ledger.slots.finish_within(connection, slot, **cost)
            elif effect.pauses:
                ledger.slots.pause_within(connection, slot, **cost)
            else:
                ledger.slots.free_within(connection, slot, fresh=effect.fresh, **cost)
            trained_within(connection, slot.worker, (ended.epochs, ended.seconds))
        return True

    try:
        try:
            _tell_sampler(ledger, study, ended, state, value)
        except Exception:  # whatever the sampler makes of it; but somebody may want this process to end
            persistently(write)
            raise
        persistently(write)
    except UpdateFinishedTrialError:
        # By another worker, or by the call whose answer was lost.
        told = ledger.database.storage.get_trial(ended.identifier).user_attrs.get(OUTCOME)
        return bool(told == ended.outcome.value and ended.outcome is not Outcome.LOST)
    except KeyError as error:
        if ledger.is_there():
            raise
        raise ledger.gone() from error
    return True


def _as_told(
    ledger: Ledger, study: Study, ended: EndedTrial, *, is_retried: bool
) -> tuple[TrialState, float | None]:
    """Give the state and the value that Optuna is told."""
    effect = EFFECTS[ended.outcome]
    if is_retried:
        return TrialState.FAIL, None
    if effect.feasible:
        return effect.state, ended.score if effect.state is TrialState.COMPLETE else None
    if not reads_pruned(study.sampler):
        # By what the trial is shown: in a repeatable study it is the same on every run.
        scores = [record.score for record in history_for(ledger, ended.slot).records]
        finite = [score for score in scores if score is not None and math.isfinite(score)]
        if finite:
            return TrialState.COMPLETE, (max if ledger.minimizes else min)(finite)
    return effect.state, None


def _tell_sampler(
    ledger: Ledger, study: Study, ended: EndedTrial, state: TrialState, value: float | None
) -> None:
    """Let the sampler keep its accounts, as `optuna.Study.tell` does."""
    told = trial_of(study, ended.identifier)
    told.intermediate_values.update(ended.curve)
    study.sampler.after_trial(study, told, state, None if value is None else [value])


def _shortened(fact: Any) -> Any:
    """Cut a long text to its end, where a traceback says what happened, and pass over long data."""
    if isinstance(fact, str):
        return f"... {fact[-_LONGEST_FACT:]}" if len(fact) > _LONGEST_FACT else fact
    length = len(json.dumps(fact))
    return fact if length <= _LONGEST_DATA else f"not kept, since it has {length:,} bytes"
