"""Seeds that follow from a study's seed and a slot: another attempt at a slot is the same experiment."""

import numpy as np

from studies.definition.study import StudyDefinition


def training_seed(definition: StudyDefinition, slot: int) -> int:
    """Give the seed of the training in a slot; where candidates are repeated, all get the same ones."""
    return seed_of(definition, slot // definition.turn)


def seed_of(definition: StudyDefinition, *path: int) -> int:
    """Give a seed of 31 bits, which every library takes, for a place in a study."""
    sequence = np.random.SeedSequence([definition.settings.seed, *path])
    return int(sequence.generate_state(1)[0] >> 1)
