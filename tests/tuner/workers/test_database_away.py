"""A database that is away for longer than a worker waits: the score is kept, and told by the next worker."""

import threading
from pathlib import Path

import pytest

from studies.running.trial import RunningTrial
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger, work
from tuner.errors import DatabaseAway
from tuner.terminal.live_view import QuietView
from tuner.workers.desk import UNTOLD
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY


class MovesTheDatabase(QuietView):
    """Moves the database away at the first validation."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def scored(self, running: RunningTrial, step: int, score: float) -> None:
        """Move it, once."""
        if self.path.exists():
            self.path.rename(self.path.with_suffix(".moved"))


def test_a_score_that_cannot_be_told_is_told_by_the_next_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept beside the results, the worker ends with a sentence, and nothing is trained again."""
    monkeypatch.setattr("studies.database.retry.PATIENCE", 0.2)
    monkeypatch.setattr("studies.running.reporting.PATIENCE", 0.2)
    ledger, path = make_ledger(tmp_path, Small, trials=2), tmp_path / "tuner.db"
    view, runs = MovesTheDatabase(path), tmp_path / "runs"
    with pytest.raises(DatabaseAway, match=r"how trial 0 of 'small' ended \(completed, .* is kept in "):
        Worker(ledger, view, threading.Event(), runs).work()
    assert len(list((runs / UNTOLD).iterdir())) == 1
    path.with_suffix(".moved").rename(path)
    work(ledger, runs)
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.COMPLETED] * 2
    assert [trial.user_attrs["slot"] for trial in ledger.trials()] == [0, 1]
    assert len(ledger.trial(0).intermediate_values) == 2
    assert list((runs / UNTOLD).iterdir()) == []
