"""What runs beside a trial of a repeatable study, whose slots are hidden from it.

In such a study the proposal of slot n sees the slots up to n - K (`study.repeatable: K`). Those between run
beside it, and a proposer that does not know where would propose the same again. Their values follow from what
they saw, which is less than slot n sees; so they are proposed once more, in their order.
"""

from collections.abc import Callable
from dataclasses import replace

from studies.ledger.slot import Slot
from studies.proposing.planned import Exploration
from studies.proposing.proposer import History, Proposal
from studies.trials.record import TrialRecord


def hidden_before(
    history: History, slot: Slot, propose: Callable[[History, Slot], Proposal]
) -> list[TrialRecord]:
    """Give the trials of the slots that a slot does not see, as running ones.

    Args:
        history: what the slot sees.
        slot: the slot.
        propose: proposes for a slot that sees all of a history.

    Returns:
        The trials in the order of their slots; none in a study that is not repeatable.
    """
    window = history.definition.settings.repeatable
    if window is None:
        return []
    free = replace(history.definition, settings=replace(history.definition.settings, repeatable=None))
    hidden: list[TrialRecord] = []
    first = max(slot.number - window + 1, 0)
    exploring = history.exploring(first, slot.number)
    for number in range(first, slot.number):
        seen = [_as_seen(record, number - window) for record in (*history.records, *hidden)]
        shown = History(free, lambda seen=seen: seen)  # type: ignore[misc]
        explore = number in exploring
        asked = Slot(number, explore=explore, attempt=1, draw=0, trial=None, lapsed=False, worker="")
        proposal = Exploration().propose(shown, [asked])[0] if explore else propose(shown, asked)
        hidden.append(TrialRecord(number, number, 1, dict(proposal.values), None, None, {}))
    return hidden


def _as_seen(record: TrialRecord, last: int) -> TrialRecord:
    """Give a trial as a slot sees it that knows the ends of the slots up to `last`: others run."""
    if record.slot is not None and record.slot <= last:
        return record
    return replace(record, outcome=None, score=None, curve={})
