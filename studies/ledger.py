"""The ledger of one study: its definition, its slots and its trials, all in the database.

A worker needs no more than a URL and a name. What we add to Optuna's study stands in its attributes, under `tuner:`.
"""

import uuid
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search_spaces.fingerprint import fingerprint
from studies.definition import StudyDefinition
from studies.errors import StudyChanged, UnknownStudy, UnknownTrial
from studies.outcomes import Outcome, outcome_of
from studies.slots import Slots, create_table
from studies.storage import Database
from studies.study_file import suggestion

DEFINITION, SOURCE, SPACE, LEDGER, VERSION = (
    f"tuner:{part}" for part in ("definition", "source", "space", "ledger", "version")
)


@dataclass(frozen=True)
class Ledger:
    """A study in the database, with what we know of it."""

    definition: StudyDefinition
    study: Study
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
        trials = self.trials()
        if not 0 <= number < len(trials):
            there = f"its trials are 0 to {len(trials) - 1}" if trials else "it has none yet"
            raise UnknownTrial(f"The study {self.name} has no trial {number}; {there}.")
        return trials[number]

    def best(self) -> FrozenTrial | None:
        """Give the completed trial with the best score, the earlier one among equals, or None."""
        completed = [trial for trial in self.trials(TrialState.COMPLETE) if outcome_of(trial) is Outcome.COMPLETED]
        sign = 1.0 if self.minimizes else -1.0
        return min(completed, key=lambda trial: sign * (trial.value or 0.0), default=None)

    def status(self) -> dict[str, Any]:
        """Summarise the study as plain data: how many trials ended how, and the best of them."""
        outcomes = [outcome_of(trial) for trial in self.trials()]
        count = {outcome: outcomes.count(outcome) for outcome in Outcome}
        best = self.best()
        return {
            "name": self.name,
            "metric": self.definition.settings.metric,
            "direction": self.definition.settings.direction,
            "slots": self.slots.budget().total,
            "trials": {
                "complete": count[Outcome.COMPLETED],
                "pruned": count[Outcome.PRUNED],
                "diverged": count[Outcome.DIVERGED],
                "failed": count[Outcome.FAILED],
                "preempted": count[Outcome.PREEMPTED],
                "lost": count[Outcome.LOST],
                "running": len(self.trials(TrialState.RUNNING)),
                "waiting": self.slots.budget().open,
            },
            "best": None if best is None else {"number": best.number, "value": best.value, "params": best.params},
        }


def create(database: Database, definition: StudyDefinition, source: str) -> Ledger:
    """Put a study in the database, or open the one that is there and was made from the same definition.

    More trials than the study has add slots; fewer change nothing, since what is spent cannot be given back.

    Raises:
        StudyChanged: a study of that name has another definition, or is none of ours.
    """
    create_table(database.engine)
    settings = definition.settings
    try:
        study = optuna.create_study(study_name=settings.name, storage=database.storage, direction=settings.direction)
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=settings.name, storage=database.storage)
    if LEDGER not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise StudyChanged(
                f"The database holds a study {settings.name!r} that another program made; "
                f"choose another name: --name {settings.name}-2."
            )
        study.set_user_attr(VERSION, version("interplay-tuner"))
        study.set_user_attr(SOURCE, source)
        study.set_user_attr(SPACE, fingerprint(definition.space))
        study.set_user_attr(DEFINITION, definition.to_data())
        study.set_user_attr(LEDGER, uuid.uuid4().hex)  # last: with it the study is complete
    ledger = _ledger(database, study)
    _refuse_change(ledger, definition)
    ledger.slots.grow(settings.trials, settings.exploration)
    return ledger


def open_ledger(database: Database, name: str) -> Ledger:
    """Open a study of the database by its name.

    Raises:
        UnknownStudy: no study of that name, or one that is none of ours.
    """
    study = find_study(database, name)
    if LEDGER not in study.user_attrs:
        raise UnknownStudy(f"The study {name!r} was made by another program; `tuner list` shows it, nothing here can run it.")
    create_table(database.engine)
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
    """Delete a study, its trials and its slots."""
    study = find_study(database, name)
    if LEDGER in study.user_attrs:
        create_table(database.engine)
        Slots(database.engine, study.user_attrs[LEDGER]).delete()
    optuna.delete_study(study_name=name, storage=database.storage)


def _ledger(database: Database, study: Study) -> Ledger:
    definition = StudyDefinition.from_data(study.user_attrs[DEFINITION])
    return Ledger(definition, study, database, Slots(database.engine, study.user_attrs[LEDGER]))


def _refuse_change(ledger: Ledger, definition: StudyDefinition) -> None:
    old, new = ledger.definition, definition
    # The budget may grow, and nothing else of a study may change without making its trials incomparable.
    if replace(old, space=new.space, settings=replace(old.settings, trials=new.settings.trials)) != replace(new):
        changed = [key for key, value in new.to_data().items() if key != "space" and value != old.to_data().get(key)]
        raise StudyChanged(
            f"The study {ledger.name!r} was made with another `{changed[0]}` section; "
            f"run the new one under another name: --name {ledger.name}-2."
        )
    if fingerprint(old.space) != fingerprint(new.space):
        raise StudyChanged(
            f"The study {ledger.name!r} was made with another search space; run the new one under another name: --name {ledger.name}-2."
        )
