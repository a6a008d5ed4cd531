"""Silence what Optuna and Lightning say of themselves on every trial; warnings to act on stay."""

import optuna

from tuner.training.fitting.quiet import silence_lightning


def silence() -> None:
    """Raise the loggers of Optuna and Lightning to warnings and ignore their harmless ones."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    silence_lightning()
