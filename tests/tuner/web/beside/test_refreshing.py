"""Notes and figures of a study that goes on, made by the dashboard itself."""

import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from optuna_dashboard import get_note

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import delete
from tests.studies.lives import answer
from tuner.web.beside.refreshing import Refreshing
from tuner.web.beside.shown import ShownStorage
from tuner.web.files import Files
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known

PATIENCE = 240.0  # seconds


def test_a_note_follows_the_study_and_then_holds_the_verdict(url: str, ledger: Ledger) -> None:
    """Whoever looks at a study is shown what it has found by then, with the way to our page."""
    database = open_database(url, reading=True)
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    notes: list[str] = []
    deadline = time.monotonic() + PATIENCE
    analyses = Analyses(url)
    refreshing = Refreshing(Known(database), analyses, storage, lambda name: f"/interplay/of/{name}")
    with closing(analyses), refreshing:
        while not notes or "\n- " not in notes[-1]:
            storage.get_all_trials(1)  # somebody looks
            shown = optuna.load_study(study_name=ledger.name, storage=storage)
            if (note := get_note(shown)) and note not in notes:
                notes.append(note)
            assert time.monotonic() < deadline, notes
            time.sleep(0.1)
        assert f"[Everything about this study](/interplay/of/{ledger.name})" in notes[0]
        assert "**Best `val_loss` 0.25**, trial 2." in notes[0]
        answer(ledger, [0.125])
        while "**Best `val_loss` 0.125**, trial 4." not in get_note(shown):
            storage.get_all_trials(1)
            assert time.monotonic() < deadline
            time.sleep(0.1)
    database.engine.dispose()


def test_nobody_looks_and_nothing_is_made(url: str, ledger: Ledger) -> None:
    """A study that no page asks for costs nothing."""
    database = open_database(url, reading=True)
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    refreshing = Refreshing(Known(database), Analyses(url), storage, str)
    refreshing._look()
    assert storage.drawn == {}
    database.engine.dispose()


def test_a_study_that_is_deleted_is_no_error(
    url: str, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """What was drawn of it is gone as well, since SQLite may give its number to another."""
    database = open_database(url, reading=True)
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    with closing(Analyses(url)) as analyses:
        refreshing = Refreshing(Known(database), analyses, storage, str)
        storage.get_all_trials(1)
        refreshing._look()
        assert list(storage.drawn) == [1]
        refreshing._due.clear()
        delete(ledger.database, ledger.name)
        refreshing._look()
    assert "could not be made" not in caplog.text
    assert (storage.drawn, storage.asked) == ({}, {})
    database.engine.dispose()
