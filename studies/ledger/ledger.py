"""The ledger of one study: its definition, its slots and its trials, all in the database."""

from dataclasses import dataclass

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from studies.database.identity import LEDGER
from studies.database.open import Database
from studies.definition.study import StudyDefinition
from studies.errors import UnknownStudy, UnknownTrial
from studies.ledger.absent import Left, left_among
from studies.ledger.control import FAILING
from studies.ledger.reading import trials_of, unreadable
from studies.ledger.slots import Slots
from studies.trials.attributes import attempts
from studies.trials.record import TrialRecord


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
            raise unreadable(self.name, error) from error

    def identifier_of(self, number: int) -> int:
        """Give a trial's number in Optuna's tables.

        Raises:
            KeyError: there is no such trial.
        """
        return self.database.storage.get_trial_id_from_study_id_trial_number(self.identifier, number)

    def records(self, *states: TrialState) -> list[TrialRecord]:
        """List the attempts at the study's slots as values, as `trials` does."""
        return [TrialRecord.of(trial) for trial in self.trials(*states)]

    def ranked(self) -> list[TrialRecord]:
        """List the completed trials that break no limit, the best score first, the earlier of equals."""
        sign = 1.0 if self.minimizes else -1.0
        completed = [
            record
            for record in self.records(TrialState.COMPLETE)
            if record.score is not None and not record.broken
        ]
        return sorted(completed, key=lambda record: sign * (record.score or 0.0))

    def best(self) -> TrialRecord | None:
        """Give the first of `ranked`, or None."""
        return next(iter(self.ranked()), None)

    def leaders(self) -> list[TrialRecord]:
        """List the trials whose weights are kept: the best, the best repeat of each candidate, or all."""
        if self.definition.keeps_all:
            return self.ranked()
        found: dict[int, TrialRecord] = {}
        for record in self.ranked():
            found.setdefault((record.slot or 0) % self.definition.turn, record)
        return list(found.values())

    def leader_of(self, slot: int) -> TrialRecord | None:
        """Give the trial that one in a slot must surpass for its weights to be kept, or None."""
        if self.definition.keeps_all:
            return None
        turn = self.definition.turn
        rivals = (leader for leader in self.leaders() if ((leader.slot or 0) - slot) % turn == 0)
        return next(rivals, None)

    def over(self) -> str | None:
        """Say why the study takes no new trial, as the end of a sentence; None while it does or will."""
        budget, spent = self.slots.budget(), self.slots.control.spent()
        if budget.done == budget.total:
            return f"all its {budget.total} slots are spent"
        match self.slots.control.stopped():
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

    def gone(self) -> UnknownStudy:
        """Give the error of a study that is not there any more."""
        return UnknownStudy(f"The study {self.name!r} has been deleted while it ran; start it again.")
