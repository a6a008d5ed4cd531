"""Seeds that follow from a study's seed and a slot: another attempt at a slot is the same experiment."""

import numpy as np

from studies.definition.repetition import Repetition
from studies.definition.study import StudyDefinition

_REPEATED = 3  # ends the path of a later training's seed, which no other path ends with


def training_seed(definition: StudyDefinition, slot: int, repeat: int = 0) -> int:
    """Give the seed of the training in a slot; where candidates are repeated, all get the same ones.

    Args:
        definition: of the study.
        slot: the slot.
        repeat: which of the trainings of its trial, counted from 0. On folds all have the same seed.
    """
    if repeat == 0 or Repetition.of(definition.settings.repeats).by_folds:
        return seed_of(definition, slot // definition.turn)
    return seed_of(definition, slot // definition.turn, repeat, _REPEATED)


def seed_of(definition: StudyDefinition, *path: int) -> int:
    """Give a seed of 31 bits, which every library takes, for a place in a study."""
    sequence = np.random.SeedSequence([definition.settings.seed, *path])
    return int(sequence.generate_state(1)[0] >> 1)
