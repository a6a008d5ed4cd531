"""Asking for a trial: a slot is claimed, a trial made for it, and its values are suggested."""

import copy
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState, create_trial

from search_spaces.configuration import configure
from search_spaces.errors import TunerError, first_line
from search_spaces.suggest import suggest
from studies.database import optuna_tables
from studies.database.failures import is_of_database
from studies.database.retry import is_passing, persistently
from studies.definition.length import TrialLength
from studies.errors import NoSuggestion
from studies.ledger.ledger import Ledger
from studies.ledger.slots import Slot
from studies.proposing.for_slot import sampler_for
from studies.proposing.pruning import Pruning, default_pruner
from studies.proposing.seeds import training_seed
from studies.running.lost import declare_lost, settle, sweep
from studies.running.reporting import Reports
from studies.running.trial import RunningTrial
from studies.trials.attributes import CONFIGURATION, EARLIER, EXPLORATION, WORKER, claim

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
    while (slot := ledger.slots.claim(worker)) is not None:
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
    pruning = Pruning(ledger.definition.pruner or default_pruner(length))
    reports = Reports(ledger.database, study, identifier, pruning, length=length)
    return RunningTrial(slot, trial, identifier, values, configuration, seed, started, reports)


def _note_beginning(ledger: Ledger, trial: int) -> None:
    with ledger.database.engine.begin() as connection:
        optuna_tables.begin(connection, trial)


def _make_trial(ledger: Ledger, slot: Slot, worker: str, facts: Mapping[str, Any]) -> int:
    """Make a trial with what it is for in one transaction, so that one that is left behind can be traced."""
    mine = claim(ledger.slots.ledger, slot.number, slot.attempt)
    attributes = {**facts, **mine, EXPLORATION: slot.explore, WORKER: worker}
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
