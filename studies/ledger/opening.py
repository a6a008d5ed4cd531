"""Finding a study in the database, and opening its ledger."""

import re

import optuna
from optuna.study import Study

from studies.database.identity import LEDGER, OWNER, ledgers, names
from studies.database.open import Database
from studies.database.schema import create_tables
from studies.definition.study_file import suggestion
from studies.errors import CopiedStudy, ForeignStudy, UnknownStudy, UnusableStudy
from studies.ledger.ledger import Ledger
from studies.ledger.reading import attributes_of, definition_in
from studies.ledger.slots import Slots

_IDENTIFIER = re.compile("[0-9a-f]{32}")


def open_ledger(database: Database, name: str) -> Ledger:
    """Open a study of the database by its name.

    Raises:
        UnknownStudy: no study of that name, or one that is none of ours.
        UnusableStudy: what the database holds of it cannot be read or worked with.
    """
    study = find_study(database, name)
    if LEDGER not in attributes_of(study):
        raise ForeignStudy(
            f"The study {name!r} was made by another program; `tuner list` shows it, nothing here can run it."
        )
    create_tables(database.engine)
    return ledger_of(database, study)


def is_known(database: Database, name: str) -> bool:
    """Say whether the database holds a study of that name."""
    return name in names(database.engine).values()


def find_study(database: Database, name: str) -> Study:
    """Find a study of the database, whoever made it.

    Raises:
        UnknownStudy: there is none of that name; the message offers the nearest.
    """
    there = list(names(database.engine).values())
    if name not in there:
        hint = suggestion(name, there) if there else "it holds none; `tuner run STUDY` makes one."
        raise UnknownStudy(f"The database holds no study {name!r}; {hint}")
    return optuna.load_study(study_name=name, storage=database.storage)


def ledger_of(database: Database, study: Study) -> Ledger:
    """Open the ledger of a study of ours.

    Raises:
        UnusableStudy: what the database holds of it cannot be read, or it is a copy.
    """
    name, attributes = study.study_name, attributes_of(study)
    identifier = database.storage.get_study_id_from_name(name)
    ledger = attributes[LEDGER]
    if not (isinstance(ledger, str) and _IDENTIFIER.fullmatch(ledger)):  # files are named after it
        raise UnusableStudy(
            f"The study {name!r} in the database names its slots {str(ledger)[:40]!r}, as no study of ours "
            f"does; delete the study, and make it again from its file."
        )
    if ledgers(database.engine).get(ledger) != identifier:
        raise CopiedStudy(
            f"The study {name!r} is a copy, as Optuna's copy_study and the dashboard's renaming make them, "
            f"and the slots belong to the original; `tuner report {name}` reads it, no worker can work on it."
        )
    definition = definition_in(name, attributes)
    return Ledger(
        definition=definition,
        study=study,
        identifier=identifier,
        database=database,
        slots=Slots(database.engine, identifier, ledger, window=definition.settings.repeatable),
        marks=OWNER in attributes,
    )
