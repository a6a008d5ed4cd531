"""What optuna-dashboard, the real application asked over HTTP, is shown of a study."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna_dashboard import get_note, save_note

from search_spaces.space.nodes import Float, Group
from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of
from studies.running.asking import ask
from studies.running.confirmation import chosen
from studies.running.telling import tell
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.studies.samples import sample_definition
from tests.tuner.web.served import served
from tuner.results.dashboard_note import BEGIN, END, note_text
from tuner.web.beside.artifacts import RunArtifacts
from tuner.web.beside.drawing import drawn_note
from tuner.web.beside.shown import ShownStorage
from tuner.web.files import Files
from tuner.workers.places import folder_name


def attributes(shown: list[dict[str, str]]) -> dict[str, str]:
    """Read attributes as optuna-dashboard sends them."""
    return {each["key"]: each["value"] for each in shown}


def rows(url: str) -> list[Any]:
    """Give everything that a SQLite file holds."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        return list(connection.iterdump())


def folder_of(ledger: Ledger, output: Path) -> Path:
    """Make the folder of a study, with a log of trial 0 and a report."""
    folder = output / folder_name(ledger.name)
    (folder / "logs").mkdir(parents=True)
    (folder / "logs/trial-0.log").write_text("Epoch 1\n")
    (folder / "report.html").write_text("<p>All of it</p><script>alert(1)</script>")
    return folder


def test_attributes_are_readable_and_a_diverged_trial_is_infeasible(url: str, ledger: Ledger) -> None:
    """A trial says how it ended; no raw definition, configuration or token of a claim is among them."""
    with served(url) as server:
        study = server.ask("/api/studies/1").data
    assert set(attributes(study["user_attrs"])) == {"interplay-tuner"}
    of_trials = [attributes(trial["user_attrs"]) for trial in study["trials"]]
    assert [told["outcome"] for told in of_trials] == ["completed", "diverged", "completed", "completed"]
    assert {"slot", "attempt at the slot", "values come from"} <= set(of_trials[0])
    assert not {"ledger", "configuration", "logs", "tuner:definition"} & set(of_trials[0])
    feasible = [all(value <= 0 for value in trial["constraints"]) for trial in study["trials"]]
    assert feasible == [True, False, True, True]


def test_a_trial_of_another_program_keeps_its_attributes(url: str, ledger: Ledger) -> None:
    """Ours are renamed, everybody else's are not, and a constraint of Optuna 5 is seen."""
    with_constraint = optuna.create_study(storage=url, study_name="plain")
    trial = with_constraint.ask()
    trial.set_user_attr("configuration", "mine")
    trial.set_constraint("memory", 2.0)
    with_constraint.tell(trial, 1.0)
    with served(url) as server:
        (shown,) = server.ask("/api/studies/2").data["trials"]
    assert attributes(shown["user_attrs"]) == {"configuration": "mine"}
    assert shown["constraints"] == [2.0]


@pytest.mark.parametrize("number", [2**31, -(2**70), 10**40])
def test_a_number_that_no_table_holds_is_unknown(url: str, ledger: Ledger, number: int) -> None:
    """Databases refuse such a number in a way of their own each; nobody but us is asked for it."""
    with served(url) as server:
        for path in ("api/studies/{}/param_importances", "api/studies/{}", "csv/{}", "artifacts/1/{}/a"):
            assert server.ask(f"/{path.format(number)}").status == 404


def test_looking_changes_nothing(url: str, ledger: Ledger) -> None:
    """After every page has been asked for, the database holds what it held before."""
    before = rows(url)
    with served(url) as server:
        for path in ("/api/studies", "/api/studies/1", "/dashboard", "/metrics", "/readyz", "/interplay/"):
            server.ask(path)
        for plot in ("contour", "slice", "parallel_coordinate", "rank", "edf", "timeline"):
            assert server.ask(f"/api/studies/1/plot/{plot}").status == 200
        assert server.ask("/csv/1").status == 200
    assert rows(url) == before


def test_a_note_is_shown_without_being_written(url: str, ledger: Ledger) -> None:
    """Our part stands behind what a person wrote, who finds the note as it was."""
    save_note(ledger.study, "My own thoughts.")
    before = rows(url)
    database = open_database(url, reading=True)
    shown = drawn_note(database.storage, ledger.name, f"{BEGIN}\nfound\n{END}")
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    storage.drawn = {1: shown}
    seen = optuna.load_study(study_name=ledger.name, storage=storage)
    assert get_note(seen) == f"My own thoughts.\n\n{BEGIN}\nfound\n{END}"
    assert get_note(ledger.study) == "My own thoughts."
    assert rows(url) == before
    database.engine.dispose()


def test_a_name_writes_no_markdown_into_a_note(tmp_path: Path) -> None:
    """What a study's own texts hold stays text: no link, no row of a table, no line of its own."""
    evil = "x` | [y](javascript:1)\n# z"
    database = open_database(f"sqlite:///{tmp_path}/evil.db")
    ledger = create(database, sample_definition(space=Group({evil: Float(0.0, 1.0)}), exploration=1.0), "")
    for score in (1.0, 0.5):
        running = begun(ledger)
        assert tell(ledger, running, Outcome.COMPLETED, score, {})
    text = note_text(ledger, status_of(ledger), chosen(ledger), [], "More.")
    assert "\n# z" not in text
    assert "`x' / [y](javascript:1) # z`" in text
    database.engine.dispose()


def test_files_are_artifacts_where_they_lie(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """A configuration, a log and the report are served, and Optuna's own function lists them."""
    output = tmp_path / "runs"
    folder_of(ledger, output)
    with served(url, output=output) as server:
        study = server.ask("/api/studies/1").data
        first = study["trials"][0]
        files = {each["filename"]: each["artifact_id"] for each in first["artifacts"]}
        assert set(files) == {"configuration.yaml", "trial-0.log"}
        log = server.ask(f"/artifacts/1/{first['trial_id']}/{files['trial-0.log']}")
        assert (log.status, log.text) == (200, "Epoch 1\n")
        text = server.ask(f"/artifacts/1/{first['trial_id']}/{files['configuration.yaml']}").text
        assert "class_path: a.Model" in text
        (report,) = study["artifacts"]
        page = server.ask(f"/artifacts/1/{report['artifact_id']}")
        assert page.headers["content-security-policy"].startswith("sandbox;")
        with served(url, output=output) as begun_anew:  # a link to a file stays good
            again = begun_anew.ask(f"/artifacts/1/{first['trial_id']}/{files['trial-0.log']}")
            assert again.text == "Epoch 1\n"
        shutil.rmtree(output)
        assert server.ask(f"/artifacts/1/{report['artifact_id']}").status == 404
    database = open_database(url, reading=True)
    folder_of(ledger, output)
    storage = ShownStorage(database.storage, Files(output))
    (trial, *_) = storage.get_all_trials(1)
    listed = get_all_artifact_meta(study_or_trial=trial, storage=storage)
    assert {each.filename for each in listed} == set(files)
    database.engine.dispose()


def test_no_request_and_no_link_leads_out_of_the_folder(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """An address is looked up in a list, and a link that somebody puts into the folder is not in it."""
    output, precious = tmp_path / "runs", tmp_path / "precious"
    precious.write_text("a secret")
    folder = folder_of(ledger, output)
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(precious)
    (folder / "logs/trial-1.log").symlink_to(precious)
    (folder / "logs/trial-../../x.log").parent.mkdir(parents=True, exist_ok=True)
    with served(url, output=output) as server:
        study = server.ask("/api/studies/1").data
        assert study["artifacts"] == []
        names = [each["filename"] for trial in study["trials"][1:] for each in trial["artifacts"]]
        assert set(names) == {"configuration.yaml"}
        for path in (
            "/artifacts/1/../../precious",
            "/artifacts/1/%2e%2e%2fprecious",
            "/artifacts/1/1/..%5c..%5cprecious",
            "/artifacts/1/05-000000000001-000000000000000000",
            "/artifacts/1/2/02-000000000001-000000000000000001",
            "/artifacts/1/2/ff-ffffffffffff-ffffffffffffffffff",
            "/static/../../../../../../../../etc/passwd",
            "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/static//etc/passwd",
        ):
            told = server.ask(path)
            assert (path, told.status) == (path, 404)
            assert "secret" not in told.text
            assert "root:" not in told.text


def test_weights_of_another_study_are_not_served(url: str, ledger: Ledger, tmp_path: Path) -> None:
    """A file is a trial's weights only where it is what the trial told of."""
    output = tmp_path / "runs"
    folder = folder_of(ledger, output)
    running = begun(ledger)
    kept = {"weights": {"sha256": "0" * 64, "host": "here", "file": "/etc/passwd"}}
    assert tell(ledger, running, Outcome.COMPLETED, 0.1, kept)
    (folder / f"trial-{running.number}.ckpt").write_bytes(b"another study's")
    database = open_database(url, reading=True)
    artifacts = RunArtifacts(database.storage, Files(output))
    storage = ShownStorage(database.storage, Files(output))
    trial = storage.get_all_trials(1)[running.number]
    (name,) = [
        each.artifact_id
        for each in get_all_artifact_meta(study_or_trial=trial, storage=storage)
        if each.filename.endswith(".ckpt")
    ]
    with pytest.raises(ArtifactNotFound):
        artifacts.open_reader(name)
    database.engine.dispose()


def test_a_trial_that_runs_is_seen_to_go_on(url: str, ledger: Ledger) -> None:
    """What is kept of a trial is kept once it has ended, not before."""
    database = open_database(url, reading=True)
    storage = ShownStorage(database.storage, Files(Path("nowhere")))
    running = ask(ledger, "a worker")
    assert running is not None
    seen = storage.get_all_trials(1)[running.number]
    assert seen.user_attrs["outcome"] == "running"
    assert tell(ledger, running, Outcome.COMPLETED, 0.1, {})
    assert storage.get_all_trials(1)[running.number].user_attrs["outcome"] == "completed"
    assert storage.get_best_trial(1).number == running.number
    database.engine.dispose()
