"""The studies of a database as pages know them: large ones are read on behind the first page."""

import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import create_trial

from studies.database.open import open_database
from studies.ledger.following import FIRST_PAGE
from studies.ledger.ledger import Ledger
from tuner.web.known.reading_on import ReadingOn
from tuner.web.known.studies import Known

PATIENCE = 240.0  # seconds


def test_a_large_study_is_read_to_its_end_once_somebody_has_looked(tmp_path: Path) -> None:
    """The first look reads little, so that a page comes at once; nobody has to look again for the rest."""
    url = f"sqlite:///{tmp_path}/large.db"
    optuna.create_study(storage=url, study_name="large").add_trials(
        [create_trial(value=1.0)] * (FIRST_PAGE + 9)
    )
    database = open_database(url, reading=True)
    with closing(Known(database)) as known:
        lines = known.study("large").lines(patience=0.0)
        assert (len(lines.all), lines.unread) == (FIRST_PAGE, 9)
        deadline = time.monotonic() + PATIENCE
        while known.study("large").following.look(patience=0.0, age=PATIENCE).unread:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    database.engine.dispose()


def test_a_study_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    """What is wrong with one study ends with it; the next one that somebody looks at is read to its end."""
    gone, there = (f"sqlite:///{tmp_path}/{name}.db" for name in ("gone", "there"))
    for url in (gone, there):
        optuna.create_study(storage=url, study_name="x").add_trials([create_trial(value=1.0)])
    databases = [open_database(url, reading=True) for url in (gone, there)]
    followings = [Known(database).study("x").following for database in databases]
    databases[0].engine.dispose()
    (tmp_path / "gone.db").write_bytes(b"no database at all" * 300)
    with closing(ReadingOn()) as reading:
        for following in followings:
            reading.begin(following)
        deadline = time.monotonic() + PATIENCE
        while followings[1]._lines is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    databases[1].engine.dispose()


def test_what_the_first_page_shows_is_known_before_it_is_asked_for(url: str, ledger: Ledger) -> None:
    """After warming up, the studies are open and their trials are read."""
    database = open_database(url, reading=True)
    with closing(Known(database)) as known:
        known.warm()
        assert [study.name for study in known._studies.values()] == [ledger.name]
        assert len(known.study(ledger.name).following.look(patience=0.0, age=PATIENCE).all) == 4
    database.engine.dispose()


def test_a_study_that_was_deleted_and_made_again_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite gives the numbers of the old study and its trials again; nothing of the old one is shown."""
    monkeypatch.setattr("tuner.web.known.studies.FRESH", -1.0)
    url = f"sqlite:///{tmp_path}/tuner.db"

    def made(direction: StudyDirection, scores: list[float]) -> None:
        study = optuna.create_study(storage=url, study_name="again", direction=direction)
        study.add_trials([create_trial(value=score) for score in scores])

    made(StudyDirection.MINIMIZE, [1.0, 2.0])
    database = open_database(url, reading=True)
    with closing(Known(database)) as known:
        old = known.study("again")
        key = old.key
        assert [seen.record.score for seen in old.trials(list(old.lines().all))] == [1.0, 2.0]
        optuna.delete_study(storage=url, study_name="again")
        made(StudyDirection.MAXIMIZE, [51.0, 52.0, 53.0])
        known.study("again").lines()
        new = known.study("again")
        assert (new.number, new.minimizes) == (old.number, False)
        assert [seen.record.score for seen in new.trials(list(new.lines().all))] == [51.0, 52.0, 53.0]
        assert new.key != key
        assert new.following.since == known.study("again").following.since
    database.engine.dispose()
