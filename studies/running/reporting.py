"""A running trial's scores on their way to the database: together, but in time for each decision.

Training never waits long for a database: scores are exchanged for decisions in a thread beside it. Where no
decision comes in time, training goes on without; the scores are held, and told with the next ones.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from optuna.study import Study

from studies.database import optuna_tables
from studies.database.open import Database
from studies.database.retry import is_passing, persistently
from studies.definition.length import TrialLength
from studies.proposing.pruning import Pruning

STORE_EVERY = 2.0  # seconds that a score may wait to be stored with the next ones
PATIENCE = 10.0  # seconds that training waits for a database that is away before it goes on
AGAIN = 5.0  # seconds between two attempts while the database is away, for which nobody waits


@dataclass
class Reports:
    """Takes the scores of one trial, stores them, and asks the pruner where it may decide.

    Scores are stored in one transaction when the pruner is asked, when the oldest has waited for
    `STORE_EVERY`, and when the trial ends. `trial` is its number in Optuna's tables. `length` is how long the
    trial is, `last` the validation of its last score, `paid` the validations that an earlier attempt has
    made, and `pending` the scores that are not stored yet.
    """

    database: Database
    study: Study
    trial: int
    pruning: Pruning
    clock: Callable[[], float] = time.monotonic
    patience: float = field(default_factory=lambda: PATIENCE)
    pending: dict[int, float] = field(default_factory=dict)
    length: TrialLength = field(default_factory=lambda: TrialLength(None))
    last: int = 0
    paid: int = 0
    _stored: float = -STORE_EVERY
    _exchange: "_Exchange | None" = None  # the last one, which may still be under way
    _again_at: float | None = None  # while the database is away: when to try again
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, step: int, score: float) -> bool:
        """Take a score, and say whether the pruner wants the trial to stop.

        Where the database is away for longer than training should wait, the trial goes on; its scores are
        stored later, and the pruner is asked again after the next.

        Raises:
            UpdateFinishedTrialError: the trial was ended by another worker.
            KeyError: its study has been deleted.
        """
        with self._lock:
            self.pending[step] = float(score)
        self.last = max(self.last, step)
        is_away = self._hear()
        is_old = self.clock() - self._stored >= STORE_EVERY
        if is_away or not (self.pruning.is_due(step) or is_old):
            return False
        exchange = self._exchange = _Exchange(self, step)
        exchange.start()
        # Nobody waits for a database that was away, until it has answered once.
        exchange.is_over.wait(self.patience if self._again_at is None else 0.0)
        return not self._hear() and exchange.stops

    @property
    def epochs(self) -> float:
        """The epochs up to the last score that no earlier attempt has made."""
        return max(0.0, self.length.epochs_at(self.last) - self.length.epochs_at(self.paid))

    def held(self) -> dict[int, float]:
        """Give the scores that are not stored yet, by their steps."""
        with self._lock:
            return dict(self.pending)

    def _hear(self) -> bool:
        """Take up how the last exchange ended; True while the database is away and is not to be asked."""
        last = self._exchange
        if last is not None and not last.is_over.is_set():
            self._again_at = self.clock()
            return True
        if last is None or last.error is None:
            self._again_at = None
            return False
        if not is_passing(last.error):
            raise last.error
        if self._again_at is None or last.is_new:
            last.is_new = False
            self._again_at = self.clock() + AGAIN
        return self.clock() < self._again_at

    def store(self) -> None:
        """Store the scores that wait, such as before a checkpoint that stands for them.

        Raises:
            UpdateFinishedTrialError: the trial was ended by another worker.
            KeyError: its study has been deleted.
        """
        scores = self.held()
        if scores:
            with self.database.engine.begin() as connection:
                optuna_tables.hold(connection, self.trial)
                optuna_tables.store_curve(connection, self.trial, scores)
            with self._lock:
                for step, score in scores.items():
                    if self.pending.get(step) == score:
                        del self.pending[step]
        self._stored = self.clock()


class _Exchange(threading.Thread):
    """Stores what waits and asks the pruner, beside the training."""

    def __init__(self, reports: Reports, step: int) -> None:
        super().__init__(name="report", daemon=True)
        self._reports = reports
        self._step = step
        self.is_over = threading.Event()
        self.is_new = True  # as long as nobody has taken up how it ended
        self.stops = False
        self.error: Exception | None = None

    def run(self) -> None:
        """Do so once, with the patience that training has."""
        reports = self._reports
        try:
            persistently(reports.store, patience=reports.patience)
            if reports.pruning.is_due(self._step):
                trial = reports.database.storage.get_trial(reports.trial)
                self.stops = reports.pruning.stops(reports.study, trial, self._step)
        except Exception as error:  # noqa: BLE001 - raised where the training hears it
            self.error = error
        finally:
            self.is_over.set()
