"""A worker that serves every study tells a database that is away from a study that gives trouble."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from studies.database import schema
from studies.database.retry import was_waited_for
from studies.ledger.absent import GIVEN_UP
from studies.ledger.fleet.workers import Workers
from studies.ledger.ledger import Ledger
from studies.trials.outcomes import Outcome, outcome_of
from tests.tuner.small_modules import Small
from tests.tuner.training.probes import IN_MEMORY
from tests.tuner.workers.test_worker import make_ledger
from tests.tuner.workers.watching import Watching
from tuner.errors import DatabaseAway
from tuner.training.configuration.permit import Permit
from tuner.workers.desk import UNTOLD
from tuner.workers.events import ShownTrial, View, unseen
from tuner.workers.service import Service
from tuner.workers.worker import Worker

pytestmark = IN_MEMORY
BACK = 1.0  # seconds after which the database is back


class TakesAway(Watching):
    """Moves the database away at the first validation, and, if so, puts it back in a moment."""

    def __init__(self, path: Path, *, brings_back: bool) -> None:
        self.path, self.moved = path, path.with_suffix(".moved")
        self.brings_back = brings_back
        self.times = 0

    def scored(self, running: ShownTrial, step: int, score: float) -> None:
        """Move it, once."""
        self.times += 1
        if self.times == 1:
            self.path.rename(self.moved)
            if self.brings_back:
                threading.Timer(BACK, lambda: self.moved.rename(self.path)).start()


def service(ledger: Ledger, folder: Path, say: Callable[[str], None], view: View) -> Service:
    """Serve the database of a study."""
    permit = Permit.of(["tests"])

    def make(found: Ledger) -> Worker:
        return Worker(found, view, threading.Event(), folder / found.name, permit=permit)

    return Service(
        ledger.database, threading.Event(), lambda: False, permit, any_code=True, make=make, say=say
    )


def test_a_database_that_is_away_is_no_trouble_of_a_study(tmp_path: Path) -> None:
    """Where the database comes back in time no study is passed over, and every slot is spent."""
    ledger, said = make_ledger(tmp_path, Small, trials=2), list[str]()
    view = TakesAway(tmp_path / "tuner.db", brings_back=True)
    assert service(ledger, tmp_path, said.append, view).serve(wait=False) == 2
    assert said == ["serving small"]
    assert ledger.slots.budget().done == 2
    assert Workers(ledger.database.engine).listed() == []


def test_a_service_ends_once_the_patience_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker ends with the sentence that says where the score is kept, and blames no study.

    The next one tells it, also where its worker has been silent for so long that its trial counts as lost.
    """
    monkeypatch.setattr("studies.database.retry.PATIENCE", 0.2)
    monkeypatch.setattr("studies.running.reporting.PATIENCE", 0.2)
    ledger, said = make_ledger(tmp_path, Small, trials=2), list[str]()
    view = TakesAway(tmp_path / "tuner.db", brings_back=False)
    with pytest.raises(DatabaseAway, match="how trial 0 of 'small' ended"):
        service(ledger, tmp_path, said.append, view).serve(wait=False)
    assert said == ["serving small"]
    assert len(list((tmp_path / "small" / UNTOLD).iterdir())) == 1
    with pytest.raises(sa.exc.OperationalError) as idle:
        service(ledger, tmp_path, said.append, view).serve(wait=False)
    assert was_waited_for(idle.value)
    view.moved.rename(view.path)
    with ledger.database.engine.begin() as connection:
        connection.execute(sa.update(schema.workers).values(lease=schema.workers.c.lease - 2 * GIVEN_UP))
    assert service(ledger, tmp_path, said.append, view).serve(wait=False) == 1
    assert [outcome_of(trial) for trial in ledger.trials()] == [Outcome.COMPLETED] * 2


def test_a_refusal_that_concerns_one_study_is_its_own_trouble(tmp_path: Path) -> None:
    """Where the database refuses what one study writes and takes other writes, the others are served."""
    ledger, said = make_ledger(tmp_path, Small, trials=1), list[str]()
    other = make_ledger(tmp_path, Small, trials=1, name="other")
    with ledger.database.engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER refuse BEFORE INSERT ON trials WHEN NEW.study_id = {ledger.identifier} "
            f"BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    assert service(ledger, tmp_path, said.append, unseen).serve(wait=False) == 1
    assert other.slots.budget().done == 1
    assert any(sentence.startswith("small is passed over for 60 s: ") for sentence in said), said
