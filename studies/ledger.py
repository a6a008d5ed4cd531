"""The ledger of one study: its definition, its slots and its trials, all in the database.

A worker needs no more than a URL and a name. What we add to Optuna's study stands in its attributes, under
`tuner:`.
"""

import math
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search_spaces.fingerprint import fingerprint
from studies.changes import first_change
from studies.database.room import make_room
from studies.definition import StudyDefinition
from studies.errors import StudyChanged, UnknownStudy, UnknownTrial
from studies.identity import DEFINITION, LEDGER, SOURCE, SPACE, VERSION, adopt
from studies.length import TrialLength
from studies.outcomes import Outcome, count_name, outcome_of
from studies.pruners import UNPRUNED
from studies.slots import Slots
from studies.steering import FAILING
from studies.storage import Database
from studies.study_file import suggestion
from studies.tables import create_tables


@dataclass(frozen=True)
class Ledger:
    """A study in the database, with what we know of it; `identifier` is its number in Optuna's tables."""

    definition: StudyDefinition
    study: Study
    identifier: int
    database: Database
    slots: Slots

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def minimizes(self) -> bool:
        """Whether a smaller score is better."""
        return self.definition.settings.direction == "minimize"

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """List the study's trials, those in `states` where some are named, by number."""
        return self.study.get_trials(deepcopy=False, states=states or None)

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
        best = self.best()
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
                "running": sum(trial.state is TrialState.RUNNING for trial in trials),
                "waiting": budget.open,
            },
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
    if LEDGER not in study.user_attrs:
        if study.get_trials(deepcopy=False) or study.direction.name.lower() != settings.direction:
            raise StudyChanged(
                f"The database holds a study {settings.name!r} that another program made; "
                f"choose another name: --name {settings.name}-2."
            )
        adopt(
            database.engine,
            database.storage.get_study_id_from_name(settings.name),
            {
                LEDGER: uuid.uuid4().hex,
                **texts,
                SPACE: fingerprint(definition.space),
                VERSION: version("interplay-tuner"),
            },
        )
    ledger = _ledger(database, study)
    change = first_change(ledger.definition, definition)
    if change is not None:
        raise StudyChanged(
            f"The study {ledger.name!r} was made from another definition: {change}; "
            f"run the new one under another name: --name {ledger.name}-2."
        )
    ledger.slots.grow(settings.trials, settings.exploration)
    ledger.slots.steering.open(settings)
    return ledger


def open_ledger(database: Database, name: str) -> Ledger:
    """Open a study of the database by its name.

    Raises:
        UnknownStudy: no study of that name, or one that is none of ours.
    """
    study = find_study(database, name)
    if LEDGER not in study.user_attrs:
        raise UnknownStudy(
            f"The study {name!r} was made by another program; `tuner list` shows it, nothing here can run it."
        )
    create_tables(database.engine)
    return _ledger(database, study)


def is_known(database: Database, name: str) -> bool:
    """Say whether the database holds a study of that name."""
    return name in optuna.get_all_study_names(database.storage)


def find_study(database: Database, name: str) -> Study:
    """Find a study of the database, whoever made it.

    Raises:
        UnknownStudy: there is none of that name; the message offers the nearest.
    """
    names = optuna.get_all_study_names(database.storage)
    if name not in names:
        hint = suggestion(name, names) if names else "it holds none; `tuner run STUDY` makes one."
        raise UnknownStudy(f"The database holds no study {name!r}; {hint}")
    return optuna.load_study(study_name=name, storage=database.storage)


def delete(database: Database, name: str) -> None:
    """Delete a study, its trials and its slots.

    Raises:
        UnknownStudy: there is none of that name.
    """
    study = find_study(database, name)
    slots = _ledger(database, study).slots if LEDGER in study.user_attrs else None
    # The study first: slots without a study are claimed by nobody, a study without slots would be given new
    # ones.
    optuna.delete_study(study_name=name, storage=database.storage)
    if slots is not None:
        create_tables(database.engine)
        slots.delete()


def _ledger(database: Database, study: Study) -> Ledger:
    attributes = study.user_attrs
    identifier = database.storage.get_study_id_from_name(study.study_name)
    return Ledger(
        definition=StudyDefinition.from_data(attributes[DEFINITION]),
        study=study,
        identifier=identifier,
        database=database,
        slots=Slots(database.engine, identifier, attributes[LEDGER]),
    )
