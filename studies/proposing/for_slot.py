"""Who proposes the values of a slot."""

from collections.abc import Callable

from optuna.trial import FrozenTrial, Trial

from studies.definition.study import StudyDefinition
from studies.ledger.slots import Slot
from studies.proposing.optuna_sampler import BySampler
from studies.proposing.planned import Candidates, Exploration, Planned
from studies.proposing.proposer import Origin, Proposer
from studies.trials.attributes import CONFIGURATION


def proposer_for(
    definition: StudyDefinition, slot: Slot, earlier: FrozenTrial | None, begin: Callable[[Slot], Trial]
) -> Proposer:
    """Give the proposer of a claimed slot.

    In a study that repeats candidates each slot takes the values of one of them. A slot whose earlier attempt
    was preempted or lost takes the same values again. Slots that explore take quasi-random points. Every
    other slot asks the study's sampler.

    Args:
        definition: of the study.
        slot: the slot.
        earlier: the attempt before at the same slot.
        begin: gives Optuna's trial of the slot.
    """
    if definition.candidates:
        return Candidates()
    if earlier is not None and CONFIGURATION in earlier.user_attrs:
        return Planned(earlier.params, Origin.AGAIN)
    return Exploration() if slot.explore else BySampler(begin)
