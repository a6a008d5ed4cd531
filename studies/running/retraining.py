"""A study of its own that trains the winner of another again, on fresh seeds, and keeps all weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from studies.database.open import Database
from studies.definition.changes import first_change
from studies.definition.study import StudyDefinition
from studies.errors import StudyChanged, UnknownStudy, UnknownTrial, UnusableStudy
from studies.ledger.ledger import Ledger
from studies.ledger.making import create, delete
from studies.ledger.opening import is_known, open_ledger
from studies.proposing.optuna_pruner import NO_PRUNING
from studies.proposing.seeds import seed_of
from studies.running.confirmation import RANDOM, chosen
from studies.trials.record import TrialRecord

SUFFIX = "-retrained"  # of the study that trains the winner of another again
SEED = 11  # its place among the seeds that follow from the study's


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
    """
    choice = chosen(ledger)
    if choice is None:
        raise UnknownTrial(
            f"The study {ledger.name!r} has no completed trial yet, so there is none to train again."
        )
    definition = _again(ledger, choice.original, seeds, fixed, last=last)
    name = definition.settings.name
    if is_known(ledger.database, name):
        there = open_ledger(ledger.database, name).definition
        if not there.keeps_all:
            raise StudyChanged(
                f"The database holds a study {name!r} that trains no winner again; delete or rename it."
            )
        if first_change(there, definition):
            delete(ledger.database, name)
    return create(ledger.database, definition, source="")


def _again(
    ledger: Ledger, trial: TrialRecord, seeds: int, fixed: Mapping[str, Any], *, last: bool
) -> StudyDefinition:
    settings = replace(
        ledger.definition.settings,
        name=ledger.name + SUFFIX,
        trials=seeds,
        seed=seed_of(ledger.definition, SEED),
        score="last" if last else ledger.definition.settings.score,
        exploration=0.0,
        epochs=None,
        hours=None,
        confirm=0,
    )
    return replace(
        ledger.definition,
        settings=settings,
        fixed=dict(fixed),
        sampler={"class_path": RANDOM, "init_args": {}},
        pruner={"class_path": NO_PRUNING, "init_args": {}},
        candidates=({"trial": trial.number, "values": trial.values, "keeps": True},),
    )


def retrained(database: Database, name: str) -> Ledger | None:
    """Open the study that trains the winner of the study `name` again, if there is one."""
    try:
        found = open_ledger(database, name + SUFFIX)
    except (UnknownStudy, UnusableStudy):
        return None
    return found if found.definition.keeps_all else None
