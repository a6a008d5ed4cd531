"""Silence what Lightning says of itself in every fit; warnings to act on stay."""

import logging
import warnings

# Each is said once a trial, and is either no news to whoever tunes or nothing that they can change.
HARMLESS = (
    r"The '\w+' does not have many workers which may be a bottleneck",
    r"The number of training batches .* is smaller than the logging interval",
    r".*LeafSpec.* is deprecated",
    r"Checkpoint directory .* exists and is not empty",
    r"The `srun` command is available on your system but is not used",  # on every machine of a cluster
)
_LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric")


def silence_lightning() -> None:
    """Raise Lightning's loggers to warnings and ignore its harmless ones."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message=message)
