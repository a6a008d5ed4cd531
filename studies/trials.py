"""The life of one trial in the ledger: asked for a slot, told when it has ended."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import Trial, TrialState, create_trial

from search_spaces.configuration import Configuration, configure
from search_spaces.space import Value
from search_spaces.suggest import suggest
from studies.classes import make
from studies.ledger import Ledger
from studies.outcomes import EFFECTS, Outcome, outcome_of
from studies.pruners import default_pruner
from studies.samplers.exploration import exploration_point
from studies.samplers.planned import PlannedSampler
from studies.slots import Slot

CONSTRAINT = "diverged"  # the constraint that tells samplers where training does not work
FAILURES_IN_A_ROW = 3  # errors in the user's code after which a study is stopped


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has a slot and has not ended.

    `seed` seeds the training. It follows from the slot, so another attempt at the slot is the same experiment.
    """

    slot: Slot
    trial: Trial
    identifier: int
    values: Mapping[str, Value]
    configuration: Configuration
    seed: int
    started: float

    @property
    def number(self) -> int:
        """The trial's number in its study."""
        return self.trial.number


def ask(ledger: Ledger, worker: str) -> RunningTrial | None:
    """Claim a slot and make its trial; None where no slot is free now.

    Slots that explore take quasi-random values; a slot whose earlier attempt was preempted or lost takes the same values again;
    every other slot asks the study's sampler, seeded by the slot.
    """
    slot = _claim(ledger, worker)
    if slot is None:
        return None
    template = create_trial(
        state=TrialState.RUNNING,
        user_attrs={"slot": slot.number, "attempt": slot.attempt, "exploration": slot.explore, "worker": worker},
    )
    ledger.study.sampler = _sampler(ledger, slot)
    # In one transaction with its slot: a trial that a killed worker leaves behind can always be traced.
    identifier = ledger.database.storage.create_new_trial(ledger.database.storage.get_study_id_from_name(ledger.name), template)
    trial = Trial(ledger.study, identifier)
    ledger.slots.assign(slot, trial.number)
    values = suggest(trial, ledger.definition.space)
    configuration = configure(ledger.definition.fixed, ledger.definition.space, values)
    trial.set_user_attr("configuration", configuration)
    seed = training_seed(ledger, slot.number)
    return RunningTrial(slot, trial, identifier, values, configuration, seed, time.monotonic())


def tell(ledger: Ledger, running: RunningTrial, outcome: Outcome, score: float | None, facts: Mapping[str, Any]) -> None:
    """Record how a trial ended, and spend or free its slot.

    Args:
        ledger: the study.
        running: the trial.
        outcome: how it ended.
        score: its score, for a completed trial.
        facts: what else to keep as attributes of the trial, such as a cause in words.
    """
    effect = EFFECTS[outcome]
    facts = {**facts, "outcome": outcome.value, "seconds": round(time.monotonic() - running.started, 3)}
    for key, value in facts.items():
        running.trial.set_user_attr(key, value)
    violation = -1.0 if effect.feasible else 1.0
    running.trial.set_constraint(CONSTRAINT, violation)
    # optuna-dashboard 0.21 reads only this older form.
    ledger.database.storage.set_trial_system_attr(running.identifier, "constraints", [violation])
    ledger.study.tell(running.trial, values=score, state=effect.state)
    if effect.spends_slot:
        ledger.slots.finish(running.slot)
    else:
        ledger.slots.free(running.slot, fresh=effect.fresh)


def failures_in_a_row(ledger: Ledger) -> int:
    """Count the trials, last to end first, that ended with an error in the user's code."""
    ended = [trial for trial in ledger.trials() if trial.datetime_complete is not None]
    count = 0
    for trial in sorted(ended, key=lambda trial: trial.datetime_complete or 0, reverse=True):
        outcome = outcome_of(trial)
        if outcome is Outcome.FAILED:
            count += 1
        elif outcome in (Outcome.COMPLETED, Outcome.PRUNED, Outcome.DIVERGED):
            break
    return count


def pruner_of(ledger: Ledger) -> BasePruner:
    """Make the study's pruner."""
    config = ledger.definition.pruner
    return default_pruner(ledger.definition.fixed) if config is None else make(BasePruner, config)


def _claim(ledger: Ledger, worker: str) -> Slot | None:
    """Claim a slot; where a lost worker left a trial in it, settle that first."""
    while (slot := ledger.slots.claim(worker)) is not None:
        if not slot.lapsed:
            return slot
        for left in ledger.trials(TrialState.RUNNING):
            if left.user_attrs.get("slot") == slot.number:
                _tell_lost(ledger, left.number)
        outcome = None if slot.trial is None else outcome_of(ledger.trial(slot.trial))
        if outcome is None or not EFFECTS[outcome].spends_slot:
            return slot
        ledger.slots.finish(slot)  # its worker was killed after the trial was told and before the slot was marked
    return None


def _tell_lost(ledger: Ledger, number: int) -> None:
    study_id = ledger.database.storage.get_study_id_from_name(ledger.name)
    identifier = ledger.database.storage.get_trial_id_from_study_id_trial_number(study_id, number)
    ledger.database.storage.set_trial_user_attr(identifier, "outcome", Outcome.LOST.value)
    ledger.database.storage.set_trial_user_attr(identifier, "cause", "its worker stopped renewing its lease")
    ledger.database.storage.set_trial_state_values(identifier, TrialState.FAIL)


def _sampler(ledger: Ledger, slot: Slot) -> BaseSampler:
    seed = _seed(ledger, slot.number, slot.draw)
    config = ledger.definition.sampler
    if config is None:
        # The exploring slots stand in for the sampler's own start-up.
        sampler: BaseSampler = TPESampler(n_startup_trials=0, seed=seed)
    else:
        sampler = make(BaseSampler, config, seed=seed)
    if slot.trial is not None:
        return PlannedSampler(ledger.trial(slot.trial).params, sampler)
    if slot.explore and slot.draw == 0:
        point = exploration_point(ledger.definition.space, index=slot.number, seed=ledger.definition.settings.seed)
        return PlannedSampler(point, sampler)
    return sampler


def training_seed(ledger: Ledger, slot: int) -> int:
    """Give the seed of the training in a slot."""
    return _seed(ledger, slot)


def _seed(ledger: Ledger, *path: int) -> int:
    sequence = np.random.SeedSequence([ledger.definition.settings.seed, *path])
    return int(sequence.generate_state(1)[0] >> 1)  # 31 bits: what every library takes
