"""The contract of a database that stands still or refuses for a while: nothing is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import event

from studies.database.open import Database, open_database
from studies.database.room import make_room
from studies.errors import StorageError
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.asking import ask
from studies.running.ended import EndedTrial, kept_trials
from studies.running.telling import ended, tell, tell_ended
from studies.running.trial import report
from studies.trials.outcomes import Outcome, outcome_of
from tests.contracts.faults import answer, check_exact
from tests.studies.lives import begun
from tests.studies.samples import sample_definition

REFUSALS = 2  # transactions that may not write, at each of several points


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study."""
    return create(database, sample_definition(trials=2), "")


@contextmanager
def read_only(engine: sqlalchemy.Engine, first: int) -> Iterator[None]:
    """Let the server itself refuse what some transactions write, from transaction number `first` on."""
    count = [0]

    def begin(connection: sqlalchemy.Connection) -> None:
        refused = first <= count[0] < first + REFUSALS
        count[0] += 1
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL transaction_read_only = {'ON' if refused else 'OFF'}")
        else:
            connection.exec_driver_sql(f"SET SESSION TRANSACTION READ {'ONLY' if refused else 'WRITE'}")

    event.listen(engine, "begin", begin)
    try:
        yield
    finally:
        event.remove(engine, "begin", begin)
        engine.dispose()


@pytest.mark.parametrize("first", range(0, 40, 7))
def test_a_database_that_is_read_only_for_a_while_is_waited_for(
    ledger: Ledger, database: Database, first: int
) -> None:
    """Wherever in a trial's life the server refuses to write, as in a failover, the budget is exact."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("a file has no failover")
    with read_only(database.engine, first):
        answer(ledger)
    check_exact(ledger, 2)


def test_training_goes_on_while_the_database_stands_still(ledger: Ledger, database: Database) -> None:
    """A score that cannot be stored in time is held, the trial goes on, and all is told in the end."""
    running = begun(ledger)
    reports = running.reports
    reports.patience = 0.01
    trials = sqlalchemy.table("trials", sqlalchemy.column("trial_id"))
    with database.engine.begin() as other:  # holds the trial's row, or with SQLite the file
        mine = sqlalchemy.select(trials).where(trials.c.trial_id == running.identifier)
        other.execute(mine.with_for_update())
        assert not any(report(running, step, 1.0 / step) for step in range(1, 6))
        assert sorted(reports.held()) == [1, 2, 3, 4, 5]
    assert tell(ledger, running, Outcome.COMPLETED, 0.2, {})
    curve = ledger.trial(running.number).intermediate_values
    assert curve == {step: 1.0 / step for step in range(1, 6)}


def test_a_kept_ending_is_told_once(ledger: Ledger, tmp_path: Path) -> None:
    """What a file keeps of a trial is what would have been told, and telling it again changes nothing."""
    running = begun(ledger)
    report(running, 1, 0.5)
    running.reports.pending[2] = 0.25
    end = ended(ledger, running, Outcome.COMPLETED, 0.25, {"note": "größer 😀"})
    end.keep(tmp_path)
    ((_, kept),) = kept_trials(tmp_path, ledger.slots.ledger)
    assert kept == end
    assert isinstance(kept, EndedTrial)
    assert tell_ended(ledger, kept)
    assert tell_ended(ledger, kept)
    told = ledger.trial(running.number)
    assert (told.value, told.intermediate_values, told.user_attrs["note"]) == (
        0.25,
        {1: 0.5, 2: 0.25},
        "größer 😀",
    )
    assert ledger.slots.budget().done == 1


def test_a_kept_ending_whose_slot_was_given_away_is_dropped(ledger: Ledger, tmp_path: Path) -> None:
    """A trial that was declared lost meanwhile stays lost, and its slot belongs to the next attempt."""
    running = begun(ledger)
    end = ended(ledger, running, Outcome.COMPLETED, 0.25, {})
    ledger.slots.workers.leave(running.slot.worker)
    again = ask(ledger, "another")
    assert again is not None
    assert again.slot.number == running.slot.number
    assert not tell_ended(ledger, end)
    assert outcome_of(ledger.trial(running.number)) is Outcome.LOST
    assert ledger.slots.budget().done == 0


def test_a_long_definition_is_kept_whole_or_refused_before_anything_is_made(database: Database) -> None:
    """A study of several hundred kilobytes, umlauts and emoji included, is there as it was given."""
    files = [f"/daten/größe-{number:06d}/😀.nii.gz" for number in range(5_000)]
    definition = sample_definition(trials=1)
    definition.fixed["data"] = {"class_path": "a.Data", "init_args": {"files": files}}  # type: ignore[index]
    ledger = create(database, definition, "# Übermut 😀\n" * 20_000)
    running = begun(ledger)
    assert tell(ledger, running, Outcome.COMPLETED, 1.0, {"long": list(range(100_000))})
    kept = ledger.trial(running.number).user_attrs
    assert kept["configuration"]["data"]["init_args"]["files"] == files
    assert "not kept" in kept["long"]
    if database.engine.dialect.name == "mysql":
        with pytest.raises(StorageError, match="too long for the database: definition has 20,000,002 bytes"):
            make_room(database.engine, {"tuner:definition": "x" * 20_000_000})


def test_a_file_that_is_removed_is_not_made_anew(tmp_path: Path) -> None:
    """A worker whose SQLite file is moved away waits for it; one that finds another in its place ends."""
    path = tmp_path / "tuner.db"
    database = open_database(f"sqlite:///{path}")
    ledger = create(database, sample_definition(trials=2), "")
    running = begun(ledger)
    path.rename(tmp_path / "moved.db")
    with pytest.raises(sqlalchemy.exc.DBAPIError) as gone, database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    del gone
    assert not path.exists()
    (tmp_path / "moved.db").rename(path)
    assert tell(ledger, running, Outcome.COMPLETED, 1.0, {})
    path.rename(tmp_path / "moved.db")
    create(open_database(f"sqlite:///{path}"), sample_definition(trials=2), "")
    with pytest.raises(StorageError, match="was removed or replaced while it was in use"):
        ask(ledger, "worker")
