"""Versions: Python, what training needs, drivers of databases, and what starts workers elsewhere."""

import platform
from importlib import metadata

from tuner.workers.doctor.check import OK, Asked, Check, Finding

_NEEDED = ("interplay-tuner", "torch", "pytorch-lightning", "lightning", "optuna", "sqlalchemy")
_ENGINES = ("ray", "submitit", "kubernetes")
_EXTRAS = {"submitit": "slurm"}  # where our optional dependencies are called otherwise


def version_of(distribution: str) -> str | None:
    """Give the version of a distribution that is installed; nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _needed(asked: Asked) -> Finding:
    there = [f"{name} {version}" for name in _NEEDED if (version := version_of(name)) is not None]
    return Finding(OK, f"Python {platform.python_version()}, {', '.join(there)}")


def _engines(asked: Asked) -> Finding:
    """Say which engines could start workers from here; none has to be there."""
    there = [f"{name} {version}" for name in _ENGINES if (version := version_of(name)) is not None]
    missing = [_EXTRAS.get(name, name) for name in _ENGINES if version_of(name) is None]
    found = f"{', '.join(there) or 'none'} installed"
    return Finding(
        OK, found, f"pip install 'interplay-tuner[{','.join(missing)}]' for more" if missing else ""
    )


CHECKS = (Check("versions", _needed), Check("engines", _engines))
