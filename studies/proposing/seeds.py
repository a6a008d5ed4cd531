"""Seeds that follow from a study's seed and a slot: another attempt at a slot is the same experiment."""

import numpy as np

from studies.ledger.ledger import Ledger


def training_seed(ledger: Ledger, slot: int) -> int:
    """Give the seed of the training in a slot; where candidates are repeated, all get the same ones."""
    return seed_of(ledger, slot // ledger.definition.turn)


def seed_of(ledger: Ledger, *path: int) -> int:
    """Give a seed of 31 bits, which every library takes, for a place in a study."""
    sequence = np.random.SeedSequence([ledger.definition.settings.seed, *path])
    return int(sequence.generate_state(1)[0] >> 1)
