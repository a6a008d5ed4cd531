"""Versions: Python, and what training needs."""

import platform
from importlib import metadata

from tuner.workers.doctor.check import OK, Asked, Check, Finding

_NEEDED = ("interplay-tuner", "torch", "pytorch-lightning", "lightning", "optuna", "sqlalchemy")


def version_of(distribution: str) -> str | None:
    """Give the version of a distribution that is installed; nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _needed(asked: Asked) -> Finding:
    there = [f"{name} {version}" for name in _NEEDED if (version := version_of(name)) is not None]
    return Finding(OK, f"Python {platform.python_version()}, {', '.join(there)}")


CHECKS = (Check("versions", _needed),)
