"""Which sampler chooses the values of a slot."""

from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler

from search_spaces.space.nodes import Value
from studies.definition.classes import make_sampler
from studies.ledger.ledger import Ledger
from studies.ledger.slots import Slot
from studies.proposing.exploration import exploration_point
from studies.proposing.planned import PlannedSampler
from studies.proposing.seeds import seed_of
from studies.trials.attributes import CONFIGURATION


def sampler_for(ledger: Ledger, slot: Slot) -> BaseSampler:
    """Give the sampler of a claimed slot, seeded by the slot and not by who asks or when.

    In a study that repeats candidates each slot takes the values of one of them. A slot whose earlier attempt
    was preempted or lost takes the same values again. Slots that explore take quasi-random points. Every
    other slot asks the study's sampler.
    """
    sampler = _study_sampler(ledger, slot)
    if candidates := ledger.definition.candidates:
        return PlannedSampler(candidates[slot.number % len(candidates)]["values"], sampler)
    earlier = None if slot.trial is None else ledger.trial(slot.trial)
    if earlier is not None and CONFIGURATION in earlier.user_attrs:
        return PlannedSampler(earlier.params, sampler)
    if slot.explore:
        return PlannedSampler(_point(ledger, slot), sampler)
    return sampler


def reads_pruned(sampler: BaseSampler) -> bool:
    """Say whether a sampler learns from pruned trials too, or from none, and not from completed ones alone.

    A sampler of another library may say so by an attribute `reads_pruned`.
    """
    if isinstance(sampler, PlannedSampler):
        return reads_pruned(sampler.otherwise)
    return isinstance(sampler, TPESampler | RandomSampler | QMCSampler) or bool(
        getattr(sampler, "reads_pruned", False)
    )


def _point(ledger: Ledger, slot: Slot) -> dict[str, Value]:
    space, seed = ledger.definition.space, ledger.definition.settings.seed
    if slot.draw == 0:
        return exploration_point(space, index=slot.number, seed=seed)
    # The point before met an error in the user's code. Another scrambling gives another point, as evenly
    # drawn.
    return exploration_point(space, index=slot.number + 1, seed=seed_of(ledger, slot.draw))


def _study_sampler(ledger: Ledger, slot: Slot) -> BaseSampler:
    config = ledger.definition.sampler
    seed = seed_of(ledger, slot.number, slot.draw)
    if config is None:
        # The exploring slots stand in for the sampler's own start-up.
        return TPESampler(n_startup_trials=0, seed=seed)
    sampler = make_sampler(config, seed=seed)
    if isinstance(sampler, QMCSampler):  # its trials are one sequence, which one seed scrambles
        return make_sampler(config, seed=seed_of(ledger))
    return sampler
