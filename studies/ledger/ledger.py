"""The ledger of one study: its definition, its slots and its trials, all in the database.

A worker needs no more than a URL and a name. What we add to Optuna's study stands in its attributes, under
`tuner:`.
"""

import math
import re
import uuid
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DataError, OperationalError

from search_spaces.errors import first_line
from search_spaces.space.fingerprint import fingerprint
from studies.database.identity import DEFINITION, LEDGER, OWNER, SOURCE, SPACE, VERSION, adopt, ledgers, names
from studies.database.open import Database
from studies.database.retry import is_passing
from studies.database.room import make_room
from studies.database.schema import create_tables
from studies.definition.changes import first_change
from studies.definition.length import TrialLength
from studies.definition.study import StudyDefinition
from studies.definition.study_file import suggestion
from studies.errors import (
    CopiedStudy,
    ForeignStudy,
    StorageError,
    StudyChanged,
    UnknownStudy,
    UnknownTrial,
    UnusableStudy,
)
from studies.ledger.absent import Left, left_among, sentence
from studies.ledger.budgets import grow_within
from studies.ledger.control import FAILING
from studies.ledger.slots import Slots
from studies.proposing.pruning import UNPRUNED
from studies.trials.attributes import attempts
from studies.trials.outcomes import Outcome, count_name, outcome_of

_IDENTIFIER = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Ledger:
    """A study in the database, with what we know of it.

    `identifier` is its number in Optuna's tables. `marks` says that its trials name the ledger.
    """

    definition: StudyDefinition
    study: Study
    identifier: int
    database: Database
    slots: Slots
    marks: bool = True

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def minimizes(self) -> bool:
        """Whether a smaller score is better."""
        return self.definition.settings.direction == "minimize"

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """List the attempts at the study's slots, those in `states` where some are named, by number.

        What another program has put among the study's trials is not listed.
        """
        own = attempts(trials_of(self.study), self.slots.ledger, are_marked=self.marks)
        return [trial for trial in own if trial.state in states] if states else own

    def added(self) -> int:
        """Count the study's trials that are no attempts at its slots."""
        return len(trials_of(self.study)) - len(self.trials())

    def left(self) -> list[Left]:
        """List the trials that run for Optuna though their workers went away."""

        def runs_still(trial: FrozenTrial) -> bool:
            return self.trial(trial.number).state is TrialState.RUNNING

        running = self.trials(TrialState.RUNNING)
        return left_among(running, self.database.engine, self.slots.ledger, runs_still)

    def trial(self, number: int) -> FrozenTrial:
        """Give one trial.

        Raises:
            UnknownTrial: there is none of that number.
        """
        storage = self.database.storage
        try:
            return storage.get_trial(self.identifier_of(number))
        except KeyError as error:
            count = len(self.trials())
            there = f"its trials are 0 to {count - 1}" if count else "it has none yet"
            raise UnknownTrial(f"The study {self.name!r} has no trial {number}; {there}.") from error
        except (ValueError, TypeError) as error:
            raise _unreadable(self.name, error) from error

    def identifier_of(self, number: int) -> int:
        """Give a trial's number in Optuna's tables.

        Raises:
            KeyError: there is no such trial.
        """
        return self.database.storage.get_trial_id_from_study_id_trial_number(self.identifier, number)

    def worst_score(self) -> float | None:
        """Give the worst finite score of a completed trial, or None where none has one."""
        scores = [
            trial.value
            for trial in self.trials(TrialState.COMPLETE)
            if trial.value is not None and math.isfinite(trial.value)
        ]
        return (max if self.minimizes else min)(scores, default=None)

    def ranked(self) -> list[FrozenTrial]:
        """List the completed trials, the best score first, the earlier one among equals."""
        trials = self.trials(TrialState.COMPLETE)
        completed = [trial for trial in trials if outcome_of(trial) is Outcome.COMPLETED]
        sign = 1.0 if self.minimizes else -1.0
        return sorted(completed, key=lambda trial: sign * (trial.value or 0.0))

    def best(self) -> FrozenTrial | None:
        """Give the completed trial with the best score, the earlier one among equals, or None."""
        return next(iter(self.ranked()), None)

    def leaders(self) -> list[FrozenTrial]:
        """List the trials whose weights are kept: the best, or the best repeat of each repeated candidate."""
        found: dict[int, FrozenTrial] = {}
        for trial in self.ranked():
            found.setdefault(trial.user_attrs["slot"] % self.definition.turn, trial)
        return list(found.values())

    def leader_of(self, slot: int) -> FrozenTrial | None:
        """Give the trial that one in a slot must surpass for its weights to be kept, or None."""
        turn = self.definition.turn
        rivals = (leader for leader in self.leaders() if (leader.user_attrs["slot"] - slot) % turn == 0)
        return next(rivals, None)

    def status(self) -> dict[str, Any]:
        """Summarise the study as plain data: how many trials ended how, and the best of them."""
        trials, budget = self.trials(), self.slots.budget()
        count, spent = Counter(outcome_of(trial) for trial in trials), self.slots.steering.spent()
        best, left = self.best(), self.left()
        count[Outcome.LOST] += len(left)
        return {
            "name": self.name,
            "metric": self.definition.settings.metric,
            "direction": self.definition.settings.direction,
            "slots": budget.total,
            "stopped": self.slots.steering.stopped(),
            "priority": self.definition.settings.priority,
            "unpruned": self._why_unpruned(trials),
            "spent": {
                "slots": budget.done,
                "epochs": round(spent.epochs, 3),
                "hours": round(spent.hours, 6),
            },
            "limits": {"slots": budget.total, "epochs": spent.most_epochs, "hours": spent.most_hours},
            "trials": {
                **{count_name(outcome): count[outcome] for outcome in Outcome},
                "running": sum(trial.state is TrialState.RUNNING for trial in trials) - len(left),
                "waiting": budget.open,
            },
            "left": sentence(left) if left else None,
            "added": self.added(),
            "best": None
            if best is None
            else {"number": best.number, "value": best.value, "params": best.params},
        }

    def _why_unpruned(self, trials: Sequence[FrozenTrial]) -> str | None:
        """Say why the default pruner stops nothing, by the trainer section or by what a trial was told."""
        if self.definition.pruner is not None:
            return None
        known = TrialLength.of(self.definition.fixed).why_unpruned
        told = (trial.user_attrs.get(UNPRUNED) for trial in reversed(trials))
        return known or next(filter(None, told), None)

    def over(self) -> str | None:
        """Say why the study takes no new trial, as the end of a sentence; None while it does or will."""
        budget, spent = self.slots.budget(), self.slots.steering.spent()
        if budget.done == budget.total:
            return f"all its {budget.total} slots are spent"
        match self.slots.steering.stopped():
            case None:
                return None if spent.limit is None else f"its {spent.limit} are spent"
            case how if how == FAILING:
                return "its trials kept ending with the same error"
            case _:
                return "it was stopped"

    def is_there(self) -> bool:
        """Say whether the study is still in the database, and is no other that took its number."""
        try:
            attributes = self.database.storage.get_study_user_attrs(self.identifier)
        except KeyError:
            return False
        return bool(attributes.get(LEDGER) == self.slots.ledger)


def create(database: Database, definition: StudyDefinition, source: str) -> Ledger:
    """Put a study in the database, or open the one that is there and was made from the same definition.

    More trials than the study has add slots; fewer change nothing, since what is spent cannot be given
    back. Any number of processes may do so at once.

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
    ledger = _ledger(database, study)
    change = first_change(ledger.definition, definition)
    if change is not None:
        raise StudyChanged(
            f"The study {ledger.name!r} was made from another definition: {change}; "
            f"run the new one under another name: --name {ledger.name}-2."
        )
    if study.metric_names is None:  # what optuna-dashboard and Optuna's own figures call the score
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            study.set_metric_names([settings.metric])
    ledger.slots.grow(settings.trials, settings.exploration)
    ledger.slots.steering.open(settings)
    return ledger


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
        slots.steering.open_within(connection, settings)

    attributes = {
        LEDGER: slots.ledger,
        OWNER: identifier,
        **texts,
        SPACE: fingerprint(definition.space),
        VERSION: version("interplay-tuner"),
    }
    adopt(database.engine, identifier, attributes, fill)


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
    return _ledger(database, study)


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


def attributes_of(study: Study) -> Mapping[str, Any]:
    """Read the attributes of a study.

    Raises:
        UnusableStudy: one of them is damaged.
    """
    try:
        attributes: Mapping[str, Any] = study.user_attrs
    except ValueError as error:
        raise UnusableStudy(
            f"An attribute of the study {study.study_name!r} in the database is no JSON; "
            f"delete the study, and make it again from its file."
        ) from error
    return attributes


def trials_of(study: Study) -> list[FrozenTrial]:
    """Read every trial of a study, whoever made it.

    Raises:
        UnusableStudy: one of them is damaged.
    """
    try:
        return study.get_trials(deepcopy=False)
    except (ValueError, TypeError) as error:
        raise _unreadable(study.study_name, error) from error


def _unreadable(name: str, error: Exception) -> UnusableStudy:
    return UnusableStudy(
        f"A trial of the study {name!r} in the database cannot be read: {first_line(error)}; "
        f"delete the study, and make it again from its file."
    )


def definition_in(name: str, attributes: Mapping[str, Any]) -> StudyDefinition:
    """Read the definition that stands in the attributes of a study.

    Raises:
        UnusableStudy: it cannot be read; the message says who wrote it, where that is known.
    """
    here, there = version("interplay-tuner"), attributes.get(VERSION)
    try:
        return StudyDefinition.from_data(attributes.get(DEFINITION))
    except Exception as error:
        reason = first_line(error)
        if there != here:
            raise UnusableStudy(
                f"The study {name!r} was made by interplay-tuner {there}, and this is {here}, which cannot "
                f"read its definition ({reason}); use that version: pip install interplay-tuner=={there}."
            ) from error
        raise UnusableStudy(
            f"The definition of the study {name!r} in the database is damaged: {reason}; "
            f"delete the study, and make it again from its file."
        ) from error


def _ledger(database: Database, study: Study) -> Ledger:
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
    return Ledger(
        definition=definition_in(name, attributes),
        study=study,
        identifier=identifier,
        database=database,
        slots=Slots(database.engine, identifier, ledger),
        marks=OWNER in attributes,
    )
