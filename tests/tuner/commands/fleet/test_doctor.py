"""`tuner doctor`: every check is made, within a time, and the exit code says whether something is wrong."""

import json
from dataclasses import replace

from studies.database.open import open_database
from studies.ledger.making import create
from tests.studies.samples import sample_definition
from tests.tuner.command_line import CommandLine
from tuner.workers.doctor.check import NOTE, OK, WRONG


def test_a_healthy_machine_is_told_so(tuner: CommandLine) -> None:
    """All themes are there, nothing is wrong, and nothing is left in the folder."""
    answer = tuner("doctor --json")
    found = {row["check"]: row for row in json.loads(answer.out)}
    assert {"versions", "engines", "database", "output", "machine", "open files", "processes", "GPUs"} <= set(
        found
    )
    wrong = [row for row in found.values() if row["mark"] == WRONG]
    assert answer.code == min(len(wrong), 1)
    assert list(tuner.folder.iterdir()) == []
    assert "torch" not in found or found["torch"]["mark"] != OK or "torch" in found["versions"]["found"]


def test_what_is_wrong_is_marked_with_what_to_type(tuner: CommandLine) -> None:
    """A file in the place of the results' folder: a line, a remedy, exit code 1."""
    tuner.write("runs", "")
    answer = tuner("doctor --output runs/mine")
    assert answer.code == 1
    lines = answer.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("wrong output: "))
    assert lines[at + 1] == "      type: --output FOLDER"
    assert lines[-1].endswith("wrong.")


def test_a_study_that_this_machine_would_not_work_on_is_found(tuner: CommandLine) -> None:
    """The reason is the one that a worker would give: this study is trained by a program of its own."""
    database = open_database("sqlite:///tuner.db")
    create(database, replace(sample_definition(name="mine"), fixed={}), "")
    found = {row["check"]: row for row in json.loads(tuner("doctor mine --json").out)}
    assert found["study"]["mark"] in {WRONG, NOTE}  # a note where this machine is too slow to say
    if found["study"]["mark"] == WRONG:
        assert "it names no module" in found["study"]["found"]
    found = {row["check"]: row for row in json.loads(tuner("doctor nobody --json").out)}
    assert found["study"]["mark"] in {WRONG, NOTE}
    if found["study"]["mark"] == WRONG:
        assert found["study"]["found"].startswith("The database holds no study 'nobody'")


def test_a_file_that_is_no_database_is_wrong(tuner: CommandLine) -> None:
    """It is read, and told once, with what to type."""
    tuner.write("notes.txt", "no database " * 500)
    found = json.loads(tuner("doctor --storage sqlite:///notes.txt --json").out)
    wrong = [row for row in found if "not a database" in row["found"]]
    assert [(row["check"], row["mark"]) for row in wrong] == [("database", WRONG)]
