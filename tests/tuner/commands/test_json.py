"""What commands print with `--json`: the same fact has the same key and the same value everywhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.running.confirmation import confirm
from studies.running.telling import tell
from studies.running.trial import report
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner import Float, Study

pytestmark = IN_MEMORY

STUDY = """
study: {name: facts, metric: val_loss, trials: 12, exploration: 1.0, threads: 1}
trainer: {max_epochs: 2}
model: {class_path: tests.tuner.small_modules.Small}
space: {add: {model.init_args.width: {low: 1, high: 8, type: int, default: 4}}}
"""
LINES = (
    "list", "status facts", "trial facts 7", "best facts", "importance facts", "interactions facts",
    "report facts", "stop facts", "spaces", "spaces dropout", "confirm facts --top 2 --seeds 2",
)  # fmt: skip
# One word for one thing: these would say what another key says already.
SYNONYMS = {"score", "study", "trial", "done", "values", "objective", "state"}


def answer(ledger: Ledger, scores: list[float]) -> None:
    """Let trials end with these scores."""
    for score in scores:
        running = begun(ledger)
        report(running, 1, score)
        assert tell(ledger, running, Outcome.COMPLETED, score, {})


@pytest.fixture
def facts(tuner: CommandLine) -> CommandLine:
    """A folder with a study whose trial 7 is the best, and stays so on fresh seeds."""
    definition = define(parse_study_file(STUDY, source="facts"), lambda *_: None)
    ledger = create(open_database("sqlite:///tuner.db"), definition, STUDY)
    answer(ledger, [0.9 - number / 10 if number < 8 else number / 10 for number in range(12)])
    answer(confirm(ledger, top=2, seeds=2), [0.25, 0.35, 0.25, 0.35])
    return tuner


def everything(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Go through all mappings of an answer, with where each stands."""
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            yield from everything(value, (*path, key))
    elif isinstance(data, list):
        for value in data:
            yield from everything(value, path)


def test_the_same_fact_has_the_same_key_and_value_everywhere(facts: CommandLine) -> None:
    """Names, metrics, budgets, and the number, value and parameters of the best agree in every answer."""
    answers = {}
    for line in LINES:
        told = facts(f"{line} --json")
        assert (told.code, told.err) == (0, ""), line
        answers[line] = json.loads(told.out)
    for line, data in answers.items():
        for path, mapping in everything(data):
            if {"params", "configuration", "curve", "facts", "optuna"} & set(path):
                continue  # keyed by the names of others
            assert not mapping.keys() & SYNONYMS, (line, path)
            if not path and not line.startswith(("spaces", "list")):
                assert mapping.get("name", "facts") == "facts", line
            assert mapping.get("metric", "val_loss") == "val_loss", (line, path)
            if mapping.get("number") == 7:
                assert mapping["value"] == pytest.approx(0.2), (line, path)
                assert mapping["params"] == answers["trial facts 7"]["params"], (line, path)
            if "slots" in mapping and path and path[-1] != "limits":
                assert mapping["slots"] == 12, (line, path)
    status, (listed, _) = answers["status facts"], answers["list"]
    assert all(status[key] == listed[key] for key in status.keys() & listed.keys())
    assert status["best"]["number"] == answers["best facts"]["number"] == 7
    assert answers["confirm facts --top 2 --seeds 2"]["candidates"][0] == answers["best facts"]["confirmed"]


def test_the_best_of_a_loop_has_no_configuration(tuner: CommandLine) -> None:
    """A study whose trials a program trains by itself answers too, with the values alone."""
    study = Study.define("loop", {"x": Float(0.0, 1.0)}, metric="loss", trials=1, epochs=2)
    trial = study.ask()
    assert trial is not None
    study.tell(trial, 0.5)
    answered = tuner("best loop --json")
    assert answered.code == 0, answered.err
    best = json.loads(answered.out)
    assert (best["value"], best["params"], best["configuration"]) == (0.5, trial.values, None)
