"""What optuna-dashboard, the real application asked over HTTP, shows of a study."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from optuna.storages import RDBStorage
from optuna_dashboard import get_note, save_note, wsgi

from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from tests.studies.lives import answer
from tests.tuner.command_line import CommandLine
from tuner.results import summary as results
from tuner.results.summary import conclude
from tuner.terminal.next_steps import OUTPUT, Request

STUDY = """
study: {name: seen, metric: val_loss, trials: 6, exploration: 1.0}
trainer: {max_epochs: 2}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
"""


class Silent(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Log nothing."""


@contextmanager
def dashboard(url: str) -> Iterator[str]:
    """Serve the dashboard of a database, and give its address."""
    storage = RDBStorage(url)
    server = make_server("127.0.0.1", 0, wsgi(storage), handler_class=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        storage.engine.dispose()


def found_at(address: str) -> Any:
    """Give what is found at an address."""
    with urllib.request.urlopen(address) as response:  # noqa: S310 - our own server
        return json.load(response)


def ended_study(count: int) -> Ledger:
    """Put a study with so many completed trials into this folder's database."""
    definition = define(parse_study_file(STUDY, source="seen"), lambda *_: None)
    ledger = create(open_database("sqlite:///tuner.db"), definition, STUDY)
    answer(ledger, [0.5 - number / 100 for number in range(count)])
    return ledger


def finish(ledger: Ledger, folder: Path) -> None:
    """Write the results of a study, as the end of `tuner run` does."""
    folder.mkdir(parents=True, exist_ok=True)
    conclude(ledger, folder, Request("seen", None, (), None, OUTPUT, None), quiet=True)


def test_the_dashboard_shows_the_metric_the_verdict_and_where_the_report_is(tuner: CommandLine) -> None:
    """Its axes carry the metric's name, and the study's note holds what the end of a run has found."""
    ledger = ended_study(6)
    report = tuner.folder / "runs/seen/report.html"
    finish(ledger, report.parent)
    with dashboard("sqlite:///tuner.db") as address:
        (summary,) = found_at(f"{address}/api/studies")["study_summaries"]
        study = found_at(f"{address}/api/studies/{summary['study_id']}")
    assert study["objective_names"] == ["val_loss"]
    assert report.exists()
    for part in ("**Best `val_loss` 0.45**, trial 5.", "6 of 6 slots are spent: 6 complete.", f"`{report}`"):
        assert part in study["note"]["body"]


def test_a_note_keeps_what_a_person_wrote(tuner: CommandLine) -> None:
    """A second run replaces our part of the note and nothing else."""
    ledger = ended_study(4)
    save_note(ledger.study, "My own thoughts.")
    folder = tuner.folder / "runs/seen"
    finish(ledger, folder)
    save_note(ledger.study, get_note(ledger.study) + "\nAn afterthought.")
    finish(ended_study(2), folder)
    note = get_note(ledger.study)
    assert note.startswith("My own thoughts.\n\n### Written by `tuner`\n")
    assert note.endswith("\nAn afterthought.")
    assert note.count("slots are spent") == 1
    assert "6 of 6 slots are spent" in note


def test_a_dashboard_that_fails_ends_no_run(tuner: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results are there, whatever becomes of the note."""

    def fail(*_: object) -> None:
        raise RuntimeError("the note is not taken")

    monkeypatch.setattr(results, "write_note", fail)
    finish(ended_study(4), tuner.folder / "runs/seen")
    assert (tuner.folder / "runs/seen/best.yaml").exists()
