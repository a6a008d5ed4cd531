"""A running trial's scores on their way to the database: together, but in time for each decision."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from optuna.study import Study

from studies import records
from studies.pruners import Pruning
from studies.retries import is_passing, persistently
from studies.storage import Database

STORE_EVERY = 2.0  # seconds that a score may wait to be stored with the next ones
PATIENCE = 10.0  # seconds that training waits for a database that is away before it goes on


@dataclass
class Reports:
    """Takes the scores of one trial, stores them, and asks the pruner where it may decide.

    Scores are stored in one transaction when the pruner is asked, when the oldest has waited for
    `STORE_EVERY`, and when the trial ends. `trial` is its number in Optuna's tables. `count` is how many
    scores it was given.
    """

    database: Database
    study: Study
    trial: int
    pruning: Pruning
    clock: Callable[[], float] = time.monotonic
    pending: dict[int, float] = field(default_factory=dict)
    count: int = 0
    _stored: float = -STORE_EVERY
    _is_away: bool = False

    def add(self, step: int, score: float) -> bool:
        """Take a score, and say whether the pruner wants the trial to stop.

        Where the database is away for longer than training should wait, the trial goes on; its scores are
        stored later, and the pruner is asked again after the next.

        Raises:
            UpdateFinishedTrialError: the trial was ended by another worker.
        """
        self.pending[step] = float(score)
        self.count += 1
        is_due = self.pruning.is_due(step)
        if not is_due and self.clock() - self._stored < STORE_EVERY:
            return False
        try:
            persistently(self.store, patience=0.0 if self._is_away else PATIENCE)
            self._is_away = False
            return is_due and self.pruning.stops(
                self.study, self.database.storage.get_trial(self.trial), step
            )
        except Exception as error:
            if not is_passing(error):
                raise
            self._is_away = True
            return False

    def store(self) -> None:
        """Store the scores that wait, such as before a checkpoint that stands for them.

        Raises:
            UpdateFinishedTrialError: the trial was ended by another worker.
            KeyError: its study has been deleted.
        """
        if self.pending:
            with self.database.engine.begin() as connection:
                records.hold(connection, self.trial)
                records.store_curve(connection, self.trial, self.pending)
            self.pending.clear()
        self._stored = self.clock()
