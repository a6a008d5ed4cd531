"""Paused trials: taken up again before new ones begin, and closed when the study has no more to give them."""

from studies.ledger.ledger import Ledger
from studies.ledger.slot import Slot
from studies.proposing.pausing import pausing_rule
from studies.proposing.proposer import History
from studies.trials.outcomes import Outcome


def slot_for(ledger: Ledger, worker: str) -> Slot | None:
    """Claim the slot of the paused trial that goes on next, or else a free one; see `Slots.claim`."""
    rule = pausing_rule(ledger.definition.pruner)
    if rule is not None and (waiting := ledger.slots.paused()):
        paused = rule.take_up(History(ledger.definition, ledger.records), waiting)
        if paused is not None and paused.slot is not None:
            slot = ledger.slots.take_up(paused.slot, paused.attempt or 0, worker)
            if slot is not None:
                return slot  # else another worker has taken it up
    return ledger.slots.claim(worker)


def close_paused(ledger: Ledger) -> list[int]:
    """Spend the slots of paused trials when none of them will be taken up any more, and give their numbers.

    That is so once every other slot is spent, since only a trial that runs changes which of them go on.
    """
    rule = pausing_rule(ledger.definition.pruner)
    if rule is None:
        return []
    budget = ledger.slots.budget()
    if budget.open or budget.claimed or not budget.paused:
        return []
    history = History(ledger.definition, ledger.records)
    if rule.take_up(history, ledger.slots.paused()) is not None:
        return []
    return ledger.slots.close_paused()


def passed(ledger: Ledger, slot: Slot) -> int:
    """Give the last rung that a slot's trial has passed for good, since it was taken up there; 0 for none."""
    if slot.trial is None or pausing_rule(ledger.definition.pruner) is None:
        return 0
    values = ledger.trial(slot.trial).params
    return max(
        (
            max(record.curve, default=0)
            for record in ledger.records()
            if record.slot == slot.number
            and record.outcome is Outcome.PAUSED
            and dict(record.values) == values
        ),
        default=0,
    )
