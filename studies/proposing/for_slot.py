"""Who proposes the values of a slot."""

from collections.abc import Callable

from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial

from studies.definition.study import StudyDefinition
from studies.ledger.slot import Slot
from studies.proposing.by_ends import BySamplerOfEnds
from studies.proposing.optuna_sampler import BySampler, ProposerSampler, sampler_of
from studies.proposing.pausing import pausing_rule
from studies.proposing.planned import Candidates, Exploration, Planned
from studies.proposing.proposer import Origin, Proposer
from studies.trials.attributes import CONFIGURATION
from studies.trials.outcomes import Outcome, outcome_of


def proposer_for(
    definition: StudyDefinition, slot: Slot, earlier: FrozenTrial | None, begin: Callable[[Slot], Trial]
) -> Proposer:
    """Give the proposer of a claimed slot.

    In a study that repeats candidates each slot takes the values of one of them. A slot whose earlier attempt
    was preempted, lost or paused takes the same values again. Slots that explore take quasi-random points.
    Every other slot asks the study's sampler; TPE in a study that pauses trials is told their expected ends.

    Args:
        definition: of the study.
        slot: the slot.
        earlier: the attempt before at the same slot.
        begin: gives Optuna's trial of the slot.
    """
    if definition.candidates:
        return Candidates()
    if earlier is not None and CONFIGURATION in earlier.user_attrs:
        is_paused = outcome_of(earlier) is Outcome.PAUSED
        return Planned(earlier.params, Origin.CONTINUED if is_paused else Origin.AGAIN)
    if slot.explore:
        return Exploration()
    sampler = sampler_of(definition, slot)
    if isinstance(sampler, ProposerSampler):
        return sampler.proposer
    is_told_ends = isinstance(sampler, TPESampler) and pausing_rule(definition.pruner) is not None
    return BySamplerOfEnds() if is_told_ends else BySampler(begin)
