"""The life of one trial in the ledger: asked for a slot, its validations reported, told when it has ended."""

import copy
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from search_spaces.configuration import Configuration, configure
from search_spaces.errors import TunerError, first_line
from search_spaces.space.nodes import Value
from search_spaces.suggest import suggest
from studies.database import optuna_tables
from studies.database.failures import is_of_database
from studies.database.retry import is_passing, persistently
from studies.definition.classes import make_pruner
from studies.definition.length import VALIDATIONS, TrialLength
from studies.errors import NoSuggestion, UnknownStudy
from studies.ledger.ledger import Ledger
from studies.ledger.slots import Slot
from studies.proposing.for_slot import CONFIGURATION, reads_pruned, sampler_for
from studies.proposing.pruning import UNPRUNED, Pruning, decisions_of, default_pruner
from studies.proposing.seeds import training_seed
from studies.running.ended import EndedTrial
from studies.running.endings import constrained, declare_lost, settle, sweep, was_retried
from studies.running.reporting import Reports
from studies.trials.attributes import EARLIER, claim
from studies.trials.outcomes import EFFECTS, OUTCOME, Outcome

_LONGEST_FACT = (
    10_000  # characters; MySQL keeps 65,535 bytes of an attribute, and JSON takes up to six for one
)
_LONGEST_DATA = 60_000  # bytes of what is no text
NO_FACTS: Mapping[str, Any] = MappingProxyType({})
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
    reports: Reports

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number

    @property
    def validations(self) -> int | None:
        """How many validations the trial has, as far as that is known."""
        return self.reports.length.validations


def ask(ledger: Ledger, worker: str, facts: Mapping[str, Any] = NO_FACTS) -> RunningTrial | None:
    """Claim a slot and make its trial; None where no slot is free now.

    Args:
        ledger: the study.
        worker: a name for the table of slots, such as host and process.
        facts: what else to keep as attributes of the trial from its beginning.

    Raises:
        UnknownStudy: the study has been deleted meanwhile.
        NoSuggestion: the study's sampler or space gives no values.
    """
    while (slot := ledger.slots.claim(worker)) is not None:
        if slot.lapsed:
            slot = settle(ledger, slot)
        try:
            running = None if slot is None else _begin(ledger, slot, worker, facts)
        except Exception as error:
            if is_passing(error) or ledger.is_there():
                raise
            raise UnknownStudy(_DELETED.format(name=ledger.name)) from error
        if running is not None:
            return running
    if not ledger.is_there():
        raise UnknownStudy(_DELETED.format(name=ledger.name))
    sweep(ledger)
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
        # One that explores is asked about too, because successive halving notes who reached a rung when it
        # is asked.
        stops = running.reports.add(step, score)
    except (UpdateFinishedTrialError, KeyError):  # its slot was given away, or its study has been deleted
        return True
    return stops and not running.slot.explore


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


def measure(ledger: Ledger, running: RunningTrial, length: TrialLength) -> tuple[int, ...] | None:
    """Take up how long a trial is, and put the rungs of the default pruner where they belong.

    Args:
        ledger: the study.
        running: the trial, of which nothing has been reported.
        length: as the training tells it.

    Returns: The validations after which the trial may be stopped; None means after any, and one that explores
        never is.
    """
    pruner = ledger.definition.pruner or default_pruner(length)
    running.reports.length, running.reports.pruning = length, Pruning(pruner)
    running.reports.study.pruner = make_pruner(pruner)
    return () if running.slot.explore else decisions_of(pruner)


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
    if length.validations is not None:
        facts = {**facts, VALIDATIONS: length.validations}
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
        study.sampler = sampler_for(ledger, slot)
    is_retried = (
        effect.may_be_retried and ledger.definition.settings.retry and not was_retried(ledger, slot.trial)
    )
    state, value = _as_told(ledger, study, ended, is_retried=is_retried)
    own = {**ended.facts, OUTCOME: ended.outcome.value, "seconds": ended.seconds}
    cost = {"seconds": ended.seconds * ended.devices, "epochs": ended.epochs}

    def write() -> bool:
        with ledger.database.engine.begin() as connection:
            optuna_tables.hold(connection, ended.identifier)
            optuna_tables.store_curve(connection, ended.identifier, ended.curve)
            optuna_tables.store_attributes(
                connection, ended.identifier, own, constrained(feasible=effect.feasible)
            )
            optuna_tables.end(connection, ended.identifier, state, value)
            # Should another worker have taken the slot just now, it finds the trial told, and releases it.
            if effect.spends_slot and not is_retried:
                ledger.slots.finish_within(connection, slot, **cost)
            else:
                ledger.slots.free_within(connection, slot, fresh=effect.fresh, **cost)
        return True

    try:
        try:
            _tell_sampler(ledger, study, ended, state, value)
        finally:
            persistently(write)
    except UpdateFinishedTrialError:
        # By another worker, or by the call whose answer was lost.
        told = ledger.database.storage.get_trial(ended.identifier).user_attrs.get(OUTCOME)
        return bool(told == ended.outcome.value and ended.outcome is not Outcome.LOST)
    except KeyError as error:
        if ledger.is_there():
            raise
        raise UnknownStudy(_DELETED.format(name=ledger.name)) from error
    return True


def pruner_of(ledger: Ledger) -> BasePruner:
    """Make the study's pruner, as far as its length is known before a trial has begun."""
    return make_pruner(_pruner(ledger, TrialLength.of(ledger.definition.fixed)))


def _pruner(ledger: Ledger, length: TrialLength) -> Mapping[str, Any]:
    return ledger.definition.pruner or default_pruner(length)


def _begin(ledger: Ledger, slot: Slot, worker: str, facts: Mapping[str, Any]) -> RunningTrial | None:
    """Make the trial of a claimed slot; None where the claim was lost meanwhile."""
    started = time.monotonic()
    identifier = _make_trial(ledger, slot, worker, facts)
    persistently(lambda: _note_beginning(ledger, identifier))
    # A copy has a sampler, and a cache of trials, of its own.
    study = copy.copy(ledger.study)
    try:
        study.sampler = sampler_for(ledger, slot)
        trial = Trial(study, identifier)
        if not ledger.slots.assign(slot, trial.number):
            declare_lost(ledger, identifier)
            return None
        values = suggest(trial, ledger.definition.space)
        configuration = configure(ledger.definition.fixed, ledger.definition.space, values)
        trial.set_user_attr(CONFIGURATION, configuration)
    except UpdateFinishedTrialError:
        return None  # another worker has declared it lost
    except Exception as error:
        if not is_passing(error):  # else nothing can be written, and the slot's lease lapses
            declare_lost(ledger, identifier, cause=f"no values: {type(error).__name__}: {error}")
            ledger.slots.free(slot, fresh=False)
        if isinstance(error, TunerError) or is_of_database(error) or not ledger.is_there():
            raise
        raise NoSuggestion(
            f"The study {ledger.name!r} has no values for its next trial: its sampler or its space answered "
            f"with {type(error).__name__}: {first_line(error)}; mend it, or make the study anew."
        ) from error
    seed = training_seed(ledger, slot.number)
    length = TrialLength.of(configuration)
    reports = Reports(ledger.database, study, identifier, Pruning(_pruner(ledger, length)), length=length)
    return RunningTrial(slot, trial, identifier, values, configuration, seed, started, reports)


def _note_beginning(ledger: Ledger, trial: int) -> None:
    with ledger.database.engine.begin() as connection:
        optuna_tables.begin(connection, trial)


def _make_trial(ledger: Ledger, slot: Slot, worker: str, facts: Mapping[str, Any]) -> int:
    """Make a trial with what it is for in one transaction, so that one that is left behind can be traced."""
    mine = claim(ledger.slots.ledger, slot.number, slot.attempt)
    attributes = {**facts, **mine, "exploration": slot.explore, "worker": worker}
    if slot.trial is not None:
        attributes[EARLIER] = slot.trial  # the number of the attempt before: a slot's attempts are a chain
    template = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
    storage = ledger.database.storage

    def make() -> int:
        return storage.create_new_trial(ledger.identifier, template)

    def make_again() -> int:
        with ledger.database.engine.connect() as connection:
            made = optuna_tables.trial_of(connection, ledger.identifier, mine)
        if made is None:
            return make()
        ledger.trials()  # Optuna's cache takes values only for trials that it has seen
        return made

    return persistently(make, again=make_again)


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
        worst = ledger.worst_score()
        if worst is not None:
            return TrialState.COMPLETE, worst
    return effect.state, None


def _tell_sampler(
    ledger: Ledger, study: Study, ended: EndedTrial, state: TrialState, value: float | None
) -> None:
    """Let the sampler keep its accounts, as `optuna.Study.tell` does."""
    told = ledger.database.storage.get_trial(ended.identifier)
    study.sampler.after_trial(study, told, state, None if value is None else [value])


def _shortened(fact: Any) -> Any:
    """Cut a long text to its end, where a traceback says what happened, and pass over long data."""
    if isinstance(fact, str):
        return f"... {fact[-_LONGEST_FACT:]}" if len(fact) > _LONGEST_FACT else fact
    length = len(json.dumps(fact))
    return fact if length <= _LONGEST_DATA else f"not kept, since it has {length:,} bytes"
