"""A running trial's scores on their way to the database: together, but in time for each decision.

Training never waits long for a database: scores are exchanged for decisions in a thread beside it. Where no
decision comes in time, training goes on without; the scores are held, and told with the next ones.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from optuna.study import Study

from studies.database import optuna_tables
from studies.database.optuna_storage import OneTrialStorage
from studies.database.retry import is_passing, persistently
from studies.definition.classes import make_pruner
from studies.definition.length import TrialLength
from studies.ledger.ledger import Ledger
from studies.proposing.optuna_pruner import ByPruner, default_pruner
from studies.proposing.pausing import pausing_rule
from studies.proposing.proposer import History
from studies.proposing.stop_rule import GO_ON, Action, Decision, StopRule
from studies.trials.record import TrialRecord

STORE_EVERY = 2.0  # seconds that a score may wait to be stored with the next ones
PATIENCE = 10.0  # seconds that training waits for a database that is away before it goes on
AGAIN = 5.0  # seconds between two attempts while the database is away, for which nobody waits


class Reports:
    """Takes the scores of one trial, stores them, and asks the stop rule where it may decide.

    Scores are stored in one transaction when the rule is asked, when the oldest has waited for
    `STORE_EVERY`, and when the trial ends.

    Args:
        ledger: the study.
        study: as Optuna has it, seen by whoever runs the trial.
        own: what is known of the trial.
        length: how long it is, as far as that is known.
        history: gives what the rule is told of the study.
        passed: a validation up to which the rule has let it pass before.
        clock: gives seconds.

    Attributes:
        length: how long the trial is.
        last: the validation of its last score.
        paid: the validations that an earlier attempt has made.
        rule: decides whether it goes on.
        reason: why the rule has paused or stopped it, in words.
        pending: the scores that are not stored yet, by their validations.
        noted: attributes that are not stored yet.
        further: the epochs of trainings behind the first, of a trial that is trained several times.
    """

    def __init__(
        self,
        ledger: Ledger,
        study: Study,
        own: OneTrialStorage,
        length: TrialLength,
        *,
        history: Callable[[], History],
        passed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger, self.study, self.own, self.clock = ledger, study, own, clock
        self.patience, self.history, self.passed = PATIENCE, history, passed
        self.pending: dict[int, float] = {}
        self.noted: dict[str, Any] = {}
        self.further = 0.0
        self.last = self.paid = 0
        self.reason = ""
        self._stored = clock()
        self._exchange: _Exchange | None = None  # the last one, which may still be under way
        self._again_at: float | None = None  # while the database is away: when to try again
        self._lock = threading.Lock()
        self.measure(length)

    def measure(self, length: TrialLength) -> None:
        """Take up how long the trial is, which says where rungs stand."""
        pruner = self.ledger.definition.pruner or default_pruner(length)
        self.length = length
        self.study.pruner = make_pruner(pruner)
        self.rule: StopRule = pausing_rule(pruner, length.validations) or ByPruner(
            pruner,
            self.study,
            lambda: self.own.get_trial(self.own.identifier),
            stops_exploring=self.ledger.definition.settings.stop_exploring,
        )

    def add(self, step: int, score: float) -> Action:
        """Take a score, and say what the rule wants of the trial.

        Where the database is away for longer than training should wait, the trial goes on; its scores are
        stored later, and the pruner is asked again after the next.

        Raises:
            UpdateFinishedTrialError: the trial was ended by another worker.
            KeyError: its study has been deleted.
        """
        with self._lock:
            self.pending[step] = float(score)
        is_away, is_due = self._hear(), self.is_due(step)
        self.last = max(self.last, step)
        is_old = self.clock() - self._stored >= STORE_EVERY
        if is_away or not (is_due or is_old):
            return Action.GO_ON
        decision = self._exchanged(self._decide if is_due else _no_decision)
        if decision is None:
            return Action.GO_ON
        self.reason = decision.reason
        return decision.verdict

    def note(self, attributes: Mapping[str, Any], decide: Callable[[], Decision]) -> Decision:
        """Store attributes of the trial, and decide with the database what becomes of it; errors as `add`'s.

        Where the database is away for longer than training should wait, the trial goes on; the attributes are
        stored with the next scores.
        """
        with self._lock:
            self.noted |= attributes
        return GO_ON if self._hear() else self._exchanged(decide) or GO_ON

    def _exchanged(self, decide: Callable[[], Decision]) -> Decision | None:
        """Store what waits, and decide; None where the database does not answer in time."""
        exchange = self._exchange = _Exchange(self, decide)
        exchange.start()
        # Nobody waits for a database that was away, until it has answered once.
        exchange.is_over.wait(self.patience if self._again_at is None else 0.0)
        return None if self._hear() else exchange.decision

    def _decide(self) -> Decision:
        running = TrialRecord.of(self.own.get_trial(self.own.identifier))
        return self.rule.decide(self.history(), running)

    def is_due(self, step: int) -> bool:
        """Say whether the rule has to be asked; it has let an earlier attempt pass up to `passed`."""
        return step > self.passed and self.rule.is_due(step, self.last)

    @property
    def epochs(self) -> float:
        """The epochs that no earlier attempt has made: up to the last score, and of further trainings."""
        return max(0.0, self.length.epochs_at(self.last) - self.length.epochs_at(self.paid)) + self.further

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
        with self._lock:
            noted = dict(self.noted)
        if scores or noted:
            with self.ledger.database.engine.begin() as connection:
                optuna_tables.hold(connection, self.own.identifier)
                optuna_tables.store_curve(connection, self.own.identifier, scores)
                if noted:
                    optuna_tables.store_attributes(connection, self.own.identifier, noted, {})
            self.own.trial.user_attrs.update(noted)
            self.own.trial.intermediate_values.update(scores)
            with self._lock:
                for step, score in scores.items():
                    if self.pending.get(step) == score:
                        del self.pending[step]
                if self.noted == noted:
                    self.noted = {}
        self._stored = self.clock()


def _no_decision() -> Decision:
    return GO_ON


class _Exchange(threading.Thread):
    """Stores what waits and decides, beside the training."""

    def __init__(self, reports: Reports, decide: Callable[[], Decision]) -> None:
        super().__init__(name="report", daemon=True)
        self._reports = reports
        self._decide = decide
        self.is_over = threading.Event()
        self.is_new = True  # as long as nobody has taken up how it ended
        self.decision = GO_ON
        self.error: Exception | None = None

    def run(self) -> None:
        """Do so once, with the patience that training has."""
        reports = self._reports
        try:
            persistently(reports.store, patience=reports.patience)
            self.decision = self._decide()
        except Exception as error:  # noqa: BLE001 - raised where the training hears it
            self.error = error
        finally:
            self.is_over.set()
