"""A database that is away for longer than a worker waits: the score is kept, and told by the next worker."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from studies.database import schema
from studies.ledger.absent import GIVEN_UP
from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger, work
from tests.tuner.workers.watching import Watching
from tuner.errors import DatabaseAway
from tuner.workers.desk import UNTOLD
from tuner.workers.events import ShownTrial
from tuner.workers.processes.interruption import EndedAtOnce, Interruption
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY


class MovesTheDatabase(Watching):
    """Moves the database away at the first validation."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Move it, once."""
        if self.path.exists():
            self.path.rename(self.path.with_suffix(".moved"))


@pytest.mark.parametrize("silent", [0.0, 2 * GIVEN_UP])
def test_a_score_that_cannot_be_told_is_told_by_the_next_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: float
) -> None:
    """It is kept beside the results, the worker ends with a sentence, and nothing is trained again.

    So it is however many seconds the worker has been silent when the next one starts.
    """
    monkeypatch.setattr("studies.database.retry.PATIENCE", 0.2)
    monkeypatch.setattr("studies.running.reporting.PATIENCE", 0.2)
    ledger, path = make_ledger(tmp_path, Small, trials=2), tmp_path / "tuner.db"
    view, runs = MovesTheDatabase(path), tmp_path / "runs"
    with pytest.raises(DatabaseAway, match=r"how trial 0 of 'small' ended \(completed, .* is kept in "):
        Worker(ledger, view, threading.Event(), runs).work()
    assert len(list((runs / UNTOLD).iterdir())) == 1
    path.with_suffix(".moved").rename(path)
    with ledger.database.engine.begin() as connection:  # nobody starts one before the worker counts as gone
        connection.execute(sa.update(schema.workers).values(lease=schema.workers.c.lease - silent))
    work(ledger, runs)
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.COMPLETED] * 2
    assert [trial.user_attrs["slot"] for trial in ledger.trials()] == [0, 1]
    assert len(ledger.trial(0).intermediate_values) == 2
    assert not (runs / UNTOLD).exists()


class Asks(MovesTheDatabase):
    """Calls a function once it is known that a score cannot be told."""

    def __init__(self, path: Path, asks: Callable[[], None]) -> None:
        super().__init__(path)
        self.asks = asks

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Move the database, and wait in a thread."""
        if self.path.exists():
            threading.Thread(target=self.wait, daemon=True).start()
        super().scored(running, step, score)

    def wait(self) -> None:
        """Wait for the file in which the score is kept."""
        while not list((self.path.parent / "runs" / UNTOLD).glob("*.json")):
            time.sleep(0.01)
        self.asks()


def test_a_worker_that_is_to_end_does_not_wait_for_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The patience of ten minutes is cut short, the score is kept, and the next worker tells it."""
    monkeypatch.setattr("studies.running.reporting.PATIENCE", 0.2)
    monkeypatch.setattr("tuner.workers.worker.ANSWER", 0.2)
    ledger, path = make_ledger(tmp_path, Small, trials=2), tmp_path / "tuner.db"
    stop = threading.Event()
    with pytest.raises(DatabaseAway, match=r"how trial 0 of 'small' ended \(completed, .* is kept in "):
        Worker(ledger, Asks(path, stop.set), stop, tmp_path / "runs").work()
    path.with_suffix(".moved").rename(path)
    work(ledger, tmp_path / "runs")
    assert [trial.user_attrs["slot"] for trial in ledger.trials()] == [0, 1]


def test_a_second_signal_loses_no_score_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for nothing, and says where the score is kept."""
    monkeypatch.setattr("studies.running.reporting.PATIENCE", 0.2)
    ledger, path = make_ledger(tmp_path, Small, trials=1), tmp_path / "tuner.db"
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def press_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)  # two alike may arrive as one

    try:
        with (
            pytest.raises(EndedAtOnce, match=r"Interrupted\. .*trial 0 .* is kept in "),
            Interruption() as asked,
        ):
            Worker(ledger, Asks(path, press_twice), asked.stop, tmp_path / "runs").work()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    path.with_suffix(".moved").rename(path)
    work(ledger, tmp_path / "runs")
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.COMPLETED]


class LosesATable(Watching):
    """Drops the table of workers while a trial trains, and waits until its lease was to be renewed."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.is_met = threading.Event()

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Drop it, once."""
        if not self.is_met.is_set():
            event.listen(self.ledger.database.engine, "handle_error", lambda _: self.is_met.set())
            with self.ledger.database.engine.begin() as connection:
                connection.exec_driver_sql("DROP TABLE tuner_workers")
            assert self.is_met.wait(60)


def test_a_lease_that_cannot_be_renewed_prints_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker itself says in a sentence what is wrong, and keeps the score for when it is mended.

    A thread that raises would fail the test.
    """
    monkeypatch.setattr("tuner.workers.worker.RENEWAL", 0.01)
    ledger = make_ledger(tmp_path, Small, trials=1)
    with pytest.raises(DatabaseAway, match=r"trial 0 of 'small' ended .*no such table.* is kept in "):
        Worker(ledger, LosesATable(ledger), threading.Event(), tmp_path / "runs").work()
    schema.workers.create(ledger.database.engine)
    work(ledger, tmp_path / "runs")
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.COMPLETED]
