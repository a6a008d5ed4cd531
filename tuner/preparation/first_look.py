"""Refusing what is misspelt in a request within a second, before PyTorch is imported."""

import os
from contextlib import suppress
from pathlib import Path

from search_spaces.space.nodes import Group
from studies.database.open import open_database, storage_url
from studies.database.url import refuse_misspelt
from studies.definition.study import define
from studies.definition.study_file import StudyFile, suggestion
from studies.errors import StorageError, StudyFileError, UnknownStudy
from studies.ledger.opening import find_study
from studies.shipped.catalogue import find_study_file, shipped_studies
from tuner.errors import BadConfiguration
from tuner.preparation.sources import check_sources
from tuner.workers.code.imports import CHOOSING, refuse_deadly


class _NeedsModule(Exception):
    """The space is the one that a module exposes, and a module imports PyTorch."""


def look_at(study: str, overrides: tuple[str, ...], storage: str | None, *, stored: bool = True) -> None:
    """Refuse a study that does not exist, and a study file whose words are not known.

    Of classes the source is read; what it does not tell is looked at later, when they are imported.

    Args:
        study: a study file, a shipped study, or one of the database.
        overrides: what `--set` changes in a file.
        storage: the option `--storage`.
        stored: whether the study may be one of the database.

    Raises:
        StorageError: the database's URL is misspelt.
        StudyFileError: a section, a setting, a space, a sampler or a pruner is not known.
        UnknownStudy: there is no such file and no such study.
    """
    url = storage_url(storage, os.environ)
    if stored:
        refuse_misspelt(url)
    file = find_study_file(study, overrides)
    if file is not None:
        _read(file)
    elif not stored:
        raise UnknownStudy(f"{study!r} is no file and no shipped study; {_nearest(study)}")
    else:
        try:
            find_study(open_database(url, reading=True), study)
        except (StorageError, UnknownStudy) as error:
            reason = str(error)[0].lower() + str(error)[1:]
            raise UnknownStudy(
                f"{study!r} is no file and no shipped study: {_nearest(study).rstrip('.?')}; and {reason}"
            ) from error


def _read(file: StudyFile) -> None:
    refuse_deadly(file, CHOOSING)

    def expose(class_path: str, epochs: int | None) -> Group | None:
        raise _NeedsModule

    with suppress(_NeedsModule):
        define(file, expose)
    try:
        check_sources(file.data)
    except BadConfiguration as error:
        raise StudyFileError(file.source, "", str(error)) from error


def _nearest(study: str) -> str:
    here = [path.name for path in Path().glob("*.y*ml")]
    return suggestion(study, [*shipped_studies(), *here, *(Path(name).stem for name in here)])
