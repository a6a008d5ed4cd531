"""What whoever runs a trial is shown of its study: all, or, where it is repeatable, what is settled."""

import copy
from collections.abc import Callable, Sequence

from optuna.trial import FrozenTrial, TrialState

from studies.ledger.budgets import exploring_within
from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.proposing.proposer import History
from studies.trials.attributes import SLOT, attempts, is_count
from studies.trials.outcomes import EFFECTS, Outcome, outcome_of
from studies.trials.record import TrialRecord

See = Callable[[Sequence[FrozenTrial]], list[FrozenTrial]]


def shown_to(ledger: Ledger, slot: Slot) -> See | None:
    """Give what shows the trial of a slot the others of a repeatable study; None where it is shown all.

    It is shown the ends of the slots up to K before its own (`study.repeatable: K`), in the order of their
    slots and numbered by them, since numbers are taken by whoever asks first. An attempt that was interrupted
    is not shown, as another run has none.
    """
    window = ledger.definition.settings.repeatable
    if window is None:
        return None

    def see(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        own = attempts(trials, ledger.slots.ledger, are_marked=ledger.marks)
        shown = []
        for trial in own:
            number, outcome = trial.user_attrs[SLOT], outcome_of(trial)
            if outcome is None:
                continue
            # One that ran out of memory may be tried once more, and then spends no slot.
            is_spent = EFFECTS[outcome].spends_slot and trial.state is not TrialState.FAIL
            if (
                (is_spent or outcome is Outcome.FAILED)
                and is_count(number)
                and number <= slot.number - window
            ):
                renumbered = copy.copy(trial)
                renumbered.number = number
                shown.append(renumbered)
        return sorted(shown, key=lambda trial: trial.number)

    return see


def history_for(ledger: Ledger, slot: Slot) -> History:
    """Give what a proposer or a stop rule is told of the study for the trial of a slot."""
    see = shown_to(ledger, slot)

    def read() -> list[TrialRecord]:
        return ledger.records() if see is None else list(map(TrialRecord.of, see(ledger.trials())))

    def exploring(first: int, end: int) -> frozenset[int]:
        with ledger.database.engine.connect() as connection:
            return exploring_within(connection, ledger.slots.ledger, first, end)

    return History(ledger.definition, read, exploring)
