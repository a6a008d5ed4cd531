"""A study of its own that trains the winner of another again, on fresh seeds, and keeps all weights."""

from collections.abc import Mapping
from typing import Any

from studies.database.open import Database
from studies.errors import UnknownTrial
from studies.ledger.ledger import Ledger
from studies.running.confirmation import chosen
from studies.running.repeats import Repeats

RETRAINING = Repeats("-retrained", 11, lambda there: there.keeps_all, "trains no winner again")


def retrain(ledger: Ledger, *, seeds: int, fixed: Mapping[str, Any], last: bool) -> Ledger:
    """Make the study that trains the recommended trial again, or go on with it.

    One that trains another winner, or on other data, is replaced; its files stay.

    Args:
        ledger: the study whose winner it is.
        seeds: on how many fresh seeds.
        fixed: LightningCLI's sections, in the place of the study's own.
        last: whether the last validation is the score, whatever the study says.

    Raises:
        UnknownTrial: the study has no completed trial.
        StudyChanged: the name is taken by a study of another kind.
    """
    choice = chosen(ledger)
    if choice is None:
        raise UnknownTrial(
            f"The study {ledger.name!r} has no completed trial yet, so there is none to train again."
        )
    winner = {"trial": choice.original.number, "values": choice.original.values, "keeps": True}
    settings = {"score": "last"} if last else {}
    definition = RETRAINING.definition(ledger, [winner], seeds=seeds, fixed=fixed, **settings)
    return RETRAINING.make(ledger.database, definition)


def retrained(database: Database, name: str) -> Ledger | None:
    """Open the study that trains the winner of the study `name` again, if there is one."""
    return RETRAINING.find(database, name)
