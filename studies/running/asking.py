"""Asking for a trial: a slot is claimed, a trial made for it, and its values are suggested."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FixedTrial, FrozenTrial, Trial

from search_spaces.configuration import Configuration, configure
from search_spaces.errors import TunerError, first_line
from search_spaces.space.nodes import Value
from search_spaces.suggest import distributions, suggest
from studies.database import optuna_tables
from studies.database.failures import is_of_database
from studies.database.optuna_storage import OneTrialStorage, seen_by
from studies.database.retry import is_passing, persistently
from studies.definition.length import TrialLength
from studies.errors import NoSuggestion
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.proposing.for_slot import proposer_for
from studies.proposing.optuna_sampler import sampler_of
from studies.proposing.proposer import Proposal
from studies.proposing.seeds import training_seed
from studies.running.lost import declare_lost, settle, sweep
from studies.running.pausing import passed, slot_for
from studies.running.reporting import Reports
from studies.running.seen import history_for, shown_to
from studies.running.trainings.done import trainings_of
from studies.running.trial import RunningTrial
from studies.trials.attributes import (
    CONFIGURATION,
    EARLIER,
    EXPECTED,
    EXPLORATION,
    ORIGIN,
    SPACE_VERSION,
    WHY,
    WORKER,
    claim,
)

NO_FACTS: Mapping[str, Any] = MappingProxyType({})


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
    while (slot := slot_for(ledger, worker)) is not None:
        if slot.lapsed:
            slot = settle(ledger, slot)
        try:
            running = None if slot is None else _begin(ledger, slot, worker, facts)
        except Exception as error:
            if is_passing(error) or ledger.is_there():
                raise
            raise ledger.gone() from error
        if running is not None:
            return running
    if not ledger.is_there():
        raise ledger.gone()
    sweep(ledger)
    return None


def _begin(ledger: Ledger, slot: Slot, worker: str, facts: Mapping[str, Any]) -> RunningTrial | None:
    """Make the trial of a claimed slot; None where the claim was lost meanwhile."""
    started = time.monotonic()
    made = _make_trial(ledger, slot, worker, facts)
    if made is None:
        return None
    own = OneTrialStorage(ledger.database.storage, made, shown_to(ledger, slot))
    study = seen_by(ledger.study, own)
    try:
        study.sampler = sampler_of(ledger.definition, slot)
        trial = Trial(study, own.identifier)
        proposal = _proposed(ledger, slot, trial)
        # A parameter of a branch that is not taken does not exist.
        values = suggest(FixedTrial(dict(proposal.values)), ledger.definition.space)
        configuration = configure(ledger.definition.fixed, ledger.definition.space, values)
        _settle(ledger, own, proposal, values, configuration)
    except UpdateFinishedTrialError:
        return None  # another worker has declared it lost
    except Exception as error:
        if not is_passing(error):  # else nothing can be written, and the slot's lease lapses
            cause = f"no values: {type(error).__name__}: {error}"
            declare_lost(ledger, own.identifier, cause=cause)
            ledger.slots.free(slot, fresh=False)
        if isinstance(error, TunerError) or is_of_database(error) or not ledger.is_there():
            raise
        raise NoSuggestion(
            f"The study {ledger.name!r} has no values for its next trial: its sampler or its space answered "
            f"with {type(error).__name__}: {first_line(error)}; mend it, or make the study anew."
        ) from error
    seed = training_seed(ledger.definition, slot.number)
    reports = Reports(
        ledger,
        study,
        own,
        TrialLength.of(configuration),
        history=lambda: history_for(ledger, slot),
        passed=passed(ledger, slot),
    )
    trainings = trainings_of(ledger, slot, values)
    return RunningTrial(slot, trial, own.identifier, values, configuration, seed, started, reports, trainings)


def _proposed(ledger: Ledger, slot: Slot, trial: Trial) -> Proposal:
    earlier = None if slot.trial is None else ledger.trial(slot.trial)
    proposer = proposer_for(ledger.definition, slot, earlier, lambda _: trial)
    (proposal,) = proposer.propose(history_for(ledger, slot), [slot])
    return proposal


def _settle(
    ledger: Ledger,
    own: OneTrialStorage,
    proposal: Proposal,
    values: Mapping[str, Value],
    configuration: Configuration,
) -> None:
    """Store what is proposed, and what comes of it, together."""
    told: dict[str, Any] = {CONFIGURATION: configuration, ORIGIN: proposal.origin.value}
    told |= {WHY: proposal.why} if proposal.why else {}
    told |= {} if proposal.expected is None else {EXPECTED: proposal.expected}
    among = distributions(ledger.definition.space)
    internal = {name: (among[name].to_internal_repr(value), among[name]) for name, value in values.items()}

    def write() -> None:
        with ledger.database.engine.begin() as connection:
            optuna_tables.hold(connection, own.identifier)
            optuna_tables.store_values(connection, own.identifier, internal)
            optuna_tables.store_attributes(connection, own.identifier, told, {})

    persistently(write)
    for name, (value, distribution) in internal.items():
        own.set_trial_param(own.identifier, name, value, distribution)
    own.trial.user_attrs.update(told)


def _make_trial(ledger: Ledger, slot: Slot, worker: str, facts: Mapping[str, Any]) -> FrozenTrial | None:
    """Make a trial with what it is for, and note it in its slot; None where the claim was lost meanwhile."""
    mine = claim(ledger.slots.ledger, slot.number, slot.attempt)
    version = ledger.definition.version
    attributes = {**facts, **mine, EXPLORATION: slot.explore, WORKER: worker, SPACE_VERSION: version}
    if slot.trial is not None:
        attributes[EARLIER] = slot.trial  # the number of the attempt before: a slot's attempts are a chain

    def make() -> FrozenTrial | None:
        with ledger.database.engine.connect() as connection, connection.begin() as transaction:
            made = optuna_tables.make(connection, ledger.identifier, attributes)
            if ledger.slots.assign_within(connection, slot, made.number):
                return made
            transaction.rollback()
        return None

    def make_again() -> FrozenTrial | None:
        with ledger.database.engine.connect() as connection:
            made = optuna_tables.trial_of(connection, ledger.identifier, mine)
        return make() if made is None else ledger.database.storage.get_trial(made)

    return persistently(make, again=make_again)
