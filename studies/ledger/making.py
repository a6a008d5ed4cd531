"""Making a study in the database, and deleting it. What we add to Optuna's study stands in its attributes."""

import uuid
import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.study import Study
from sqlalchemy.exc import DataError, OperationalError

from search_spaces.space.fingerprint import fingerprint
from search_spaces.space.parameters import default_values
from studies.database.identity import DEFINITION, LEDGER, OWNER, SOURCE, SPACE, VERSION, adopt, ledgers
from studies.database.open import Database
from studies.database.retry import is_passing
from studies.database.room import make_room
from studies.database.schema import create_tables
from studies.definition.changes import first_change
from studies.definition.study import StudyDefinition
from studies.errors import StorageError, StudyChanged
from studies.ledger.budgets import grow_within
from studies.ledger.ledger import Ledger
from studies.ledger.opening import find_study, ledger_of
from studies.ledger.reading import attributes_of
from studies.ledger.slots import Slots


def create(database: Database, definition: StudyDefinition, source: str) -> Ledger:
    """Put a study in the database, or open the one that is there and was made from the same definition.

    More trials than the study has add slots; fewer change nothing, since what is spent cannot be given
    back. What else may change (`definition.changes`) is kept as it is now, and so are priors; the defaults
    stay those that the first slot has tried. Any number of processes may do so at once.

    Args:
        database: where to.
        definition: the study.
        source: the verbatim text of the study file, kept with the study.

    Raises:
        StudyChanged: a study of that name has another definition, or is none of ours.
        UnusableStudy: a study of that name cannot be read, or is a copy.
    """
    create_tables(database.engine)
    settings = definition.settings
    texts = {DEFINITION: definition.to_data(), SOURCE: source}
    make_room(database.engine, texts)
    try:
        study = optuna.create_study(
            study_name=settings.name, storage=database.storage, direction=settings.direction
        )
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=settings.name, storage=database.storage)
    except StorageInternalError as error:
        cause = error.__cause__
        if (
            not isinstance(cause, DataError | OperationalError)
            or is_passing(error)
            or settings.name.isascii()
        ):
            raise
        raise StorageError(
            f"The database cannot keep a study named {settings.name!r}: {(cause.orig or cause).args[-1]}; "
            f"choose a name of ASCII letters by --name, or a database whose character set is UTF-8."
        ) from error
    if LEDGER not in attributes_of(study):
        _take_over(database, study, definition, texts)
    ledger = ledger_of(database, study)
    change = first_change(ledger.definition, definition)
    if change is not None:
        raise StudyChanged(
            f"The study {ledger.name!r} was made from another definition: {change}; "
            f"run the new one under another name: --name {ledger.name}-2."
        )
    if texts != {name: attributes_of(study).get(name) for name in texts}:
        ledger = _rewritten(ledger, definition, source)
    if study.metric_names is None:  # what optuna-dashboard and Optuna's own figures call the score
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            study.set_metric_names([settings.metric])
    ledger.slots.grow(settings.trials, settings.exploration)
    ledger.slots.control.open(settings)
    return ledger


def _rewritten(ledger: Ledger, definition: StudyDefinition, source: str) -> Ledger:
    """Keep the definition of a study as it is now, but for other defaults."""
    old = ledger.definition
    space = definition.space if default_values(definition.space) == default_values(old.space) else old.space
    kept = replace(definition, space=space, earlier_spaces=old.earlier_spaces)
    ledger.study.set_user_attr(DEFINITION, kept.to_data())
    ledger.study.set_user_attr(SOURCE, source)
    return ledger_of(ledger.database, ledger.study)


def _take_over(
    database: Database, study: Study, definition: StudyDefinition, texts: Mapping[str, Any]
) -> None:
    """Make an empty study of Optuna's ours, all at once; one that was left empty by a failure is completed.

    Raises:
        StudyChanged: it is none that this definition could have made.
    """
    settings = definition.settings
    if study.get_trials(deepcopy=False):
        raise StudyChanged(
            f"The database holds a study {settings.name!r} that another program made; "
            f"choose another name: --name {settings.name}-2."
        )
    if study.direction.name.lower() != settings.direction:
        raise StudyChanged(
            f"The database holds an empty study {settings.name!r} whose direction is "
            f"{study.direction.name.lower()}; delete that, tuner delete {settings.name}, or choose another "
            f"name: --name {settings.name}-2."
        )
    identifier = database.storage.get_study_id_from_name(settings.name)
    slots = Slots(database.engine, identifier, uuid.uuid4().hex)

    def fill(connection: sa.Connection) -> None:
        grow_within(connection, slots.ledger, settings.trials, settings.exploration)
        slots.control.open_within(connection, settings)

    attributes = {
        LEDGER: slots.ledger,
        OWNER: identifier,
        **texts,
        SPACE: fingerprint(definition.space),
        VERSION: version("interplay-tuner"),
    }
    adopt(database.engine, identifier, attributes, fill)


def delete(database: Database, name: str) -> None:
    """Delete a study, its trials and its slots.

    Raises:
        UnknownStudy: there is none of that name.
    """
    find_study(database, name)
    identifier = database.storage.get_study_id_from_name(name)
    own = [ledger for ledger, study in ledgers(database.engine).items() if study == identifier]
    # The study first: slots without a study are claimed by nobody, a study without slots would be given new
    # ones.
    optuna.delete_study(study_name=name, storage=database.storage)
    for ledger in own:
        create_tables(database.engine)
        Slots(database.engine, identifier, ledger).delete()
