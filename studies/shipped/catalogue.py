"""The studies that are shipped: `*.yaml` beside this file."""

from importlib.resources import as_file, files
from pathlib import Path

from studies.definition.study_file import StudyFile, read_study_file

SUFFIX = ".yaml"


def shipped_studies() -> tuple[str, ...]:
    """Name the shipped studies."""
    return tuple(
        sorted(
            entry.name.removesuffix(SUFFIX)
            for entry in files("studies.shipped").iterdir()
            if entry.name.endswith(SUFFIX)
        )
    )


def find_study_file(study: str, overrides: tuple[str, ...] = ()) -> StudyFile | None:
    """Read the study file that `study` means: a path, else a shipped study; None where it is neither.

    Raises:
        StudyFileError: there is such a file, or `study` looks like a path, and it is wrong.
    """
    path = Path(study)
    if path.suffix in (".yaml", ".yml") or _is_file(path) or len(path.parts) > 1:
        return read_study_file(path, overrides)
    if study in shipped_studies():
        with as_file(files("studies.shipped") / f"{study}{SUFFIX}") as shipped:
            return read_study_file(shipped, overrides)
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False
