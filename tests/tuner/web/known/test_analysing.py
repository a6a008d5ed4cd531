"""The one analysis of a study, which our pages and optuna-dashboard's take."""

import time
from contextlib import closing
from pathlib import Path

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from tuner.web.beside.refreshing import Refreshing
from tuner.web.beside.shown import ShownStorage
from tuner.web.files import Files
from tuner.web.known.analysing import Analyses
from tuner.web.known.analysis import analyse
from tuner.web.known.studies import Known

PATIENCE = 240.0  # seconds


def test_optuna_dashboard_and_our_pages_are_shown_the_same_analysis(url: str, ledger: Ledger) -> None:
    """Whoever looks at one of them finds the analysis made when they come to the other."""
    database = open_database(url, reading=True)
    known, analyses = Known(database), Analyses(url)
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    deadline = time.monotonic() + PATIENCE
    with closing(analyses), Refreshing(known, analyses, storage, str):
        while not any(key.startswith("dashboard:plot_data:progress:") for key in storage.drawn.get(1, {})):
            storage.get_all_trials(1)  # somebody looks
            assert time.monotonic() < deadline
            time.sleep(0.1)
        analysis, is_made = analyses.of(known.study(ledger.name), 4, ())
    assert analysis is not None
    assert (analysis.told, is_made) == (4, False)
    assert analysis.figures.items() <= storage.drawn[1].items()
    assert analysis.short
    database.engine.dispose()


def test_an_end_ends_the_analysis_that_runs(url: str, ledger: Ledger) -> None:
    """No process goes on with what nobody will be shown, and none begins."""
    database = open_database(url, reading=True)
    study, analyses = Known(database).study(ledger.name), Analyses(url)
    with closing(analyses):
        assert analyses.of(study, 4, ()) == (None, True)
        while analyses._process is None:
            time.sleep(0.01)
    assert analyses._thread is not None
    analyses._thread.join(PATIENCE)
    assert not analyses._thread.is_alive()
    made, _ = analyses.of(study, 4, ())
    assert made is not None
    assert made.trouble == "The process that analysed the study ended without an answer."
    database.engine.dispose()


def test_the_figures_are_those_of_the_report(url: str, ledger: Ledger) -> None:
    """Each has a name that is fit for HTML, and says what it shows."""
    found = analyse(url, ledger.name)
    names = {key.split(":")[2] for key in found.figures}
    assert "progress" in names
    assert all(name.replace("-", "").isalnum() for name in names)
    text = "".join(piece for key, piece in found.figures.items() if key.split(":")[2] == "progress")
    assert '"title":{"text":"progress"}' in text.replace(" ", "")
    assert found.verdict


def test_a_study_that_is_too_large_is_said_so_at_once(url: str, ledger: Ledger) -> None:
    """No process begins for a study whose analysis takes hours."""
    database = open_database(url, reading=True)
    made, is_made = Analyses(url).of(Known(database).study(ledger.name), 3001, ())
    assert made is not None
    assert "`tuner report" in (made.trouble or "")
    assert not is_made
    database.engine.dispose()
