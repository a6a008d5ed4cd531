"""`tuner report` on studies of every kind, and the file that it offers to run next."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from search_spaces.space.nodes import Float
from search_spaces.space.parameters import parameters
from studies.database.open import open_database
from studies.definition.study import define
from studies.definition.study_file import parse_study_file
from studies.ledger.making import create
from studies.report.next_study import next_study
from studies.shipped.catalogue import find_study_file
from tests.tuner.command_line import CommandLine
from tests.tuner.training.probes import IN_MEMORY
from tuner.preparation.prepare import prepare

pytestmark = IN_MEMORY

Objective = Callable[[optuna.Trial], Any]


@pytest.mark.parametrize("study", ["digits", "digits-momentum", "digits-dropout"])
def test_the_next_study_of_a_shipped_one_asks_the_same(study: str) -> None:
    """Read back, the proposal of a study that taught nothing has the same parameters and constants."""
    file = find_study_file(study)
    assert file is not None
    definition = prepare(file)
    again = define(parse_study_file(next_study(definition, None, None).text, source="next"), lambda _: None)
    plain = {p.name: (p.target, p.conditions) for p in parameters(definition.space)}
    assert {p.name: (p.target, p.conditions) for p in parameters(again.space)} == plain
    assert again.settings.metric == definition.settings.metric
    for before, after in zip(parameters(definition.space), parameters(again.space), strict=True):
        if isinstance(before.node, Float):
            assert isinstance(after.node, Float)
            assert (after.node.low, after.node.high) == (before.node.low, before.node.high)


def test_the_next_study_is_valid(tuner: CommandLine, tmp_path: Path) -> None:
    """`tuner validate` trains a batch of every branch of the file that a report offers."""
    file = find_study_file("digits-dropout")
    assert file is not None
    path = tmp_path / "next.yaml"
    path.write_text(next_study(prepare(file), None, None).text)
    answer = tuner(f"validate {path}")
    assert (answer.code, answer.err) == (0, "")
    assert "digits-dropout-2 is fine" in answer.out


def _optimize(name: str, trials: int, objective: Objective, **options: Any) -> None:
    study = optuna.create_study(
        study_name=name,
        storage="sqlite:///tuner.db",
        sampler=optuna.samplers.RandomSampler(seed=0),
        **options,
    )
    study.optimize(objective, n_trials=trials)


def _conditional(trial: optuna.Trial) -> float:
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return (trial.suggest_float("rate", 0.0, 1.0) - 0.3) ** 2 + trial.suggest_float(
            "idle", 0.0, 1.0
        ) * 1e-6
    return 0.6


def test_a_study_of_plain_optuna_has_a_report(tuner: CommandLine) -> None:
    """Defined as it ran, with parameters of one branch, it is analysed like ours, and no file is offered."""
    _optimize("theirs", 40, _conditional)
    data = json.loads(tuner("report theirs --output out/theirs.html --json").out)
    assert (data["report"], data["next_study"], data["gain"]) == ("out/theirs.html", None, None)
    page = Path("out/theirs.html").read_text(encoding="utf-8")
    assert "kind matters most" in page
    assert "when kind is a" in page
    assert "The next study" not in page


def _pruned(trial: optuna.Trial) -> float:
    trial.suggest_float("x", 0.0, 1.0)
    trial.report(1.0, 0)
    raise optuna.TrialPruned


@pytest.mark.parametrize(
    ("trials", "objective", "sentence"),
    [
        (0, lambda _: 1.0, "The study has no finished trial with a parameter; run it first."),
        (6, _pruned, "The study has 0 completed trials and an analysis needs at least 5; run more trials."),
        (6, lambda _: 1.0, "The study has no finished trial with a parameter; run it first."),
    ],
)
def test_a_study_without_an_analysis_has_a_report_that_says_why(
    tuner: CommandLine, trials: int, objective: Objective, sentence: str
) -> None:
    """Where there is nothing to analyse the report is written all the same, and `importance` ends with 2."""
    _optimize("bare", trials, objective)
    assert tuner("report bare").code == 0
    assert sentence in Path("bare.html").read_text(encoding="utf-8")
    refused = tuner("importance bare")
    assert (refused.code, refused.sentence) == (2, sentence)


def test_one_of_several_objectives_is_reported(tuner: CommandLine) -> None:
    """A study of two objectives is refused with a sentence until one of them is named."""
    _optimize(
        "both",
        12,
        lambda trial: (trial.suggest_float("x", 0.0, 1.0), trial.suggest_float("y", 0.0, 1.0)),
        directions=["minimize", "maximize"],
    )
    refused = tuner("report both")
    assert refused.code == 2
    assert refused.sentence.endswith("one is analysed at a time; name it with --objective 0 to 1.")
    assert tuner("report both --objective 2").sentence.endswith("--objective can be 0 to 1.")
    assert tuner("report both --objective 1").code == 0
    page = Path("both.html").read_text(encoding="utf-8")
    assert "y matters most" in page
    assert "(maximized)" in page
    assert "data:text/yaml" not in page


def test_a_saved_proposal_is_the_file_that_is_shown(tuner: CommandLine) -> None:
    """What the button of the report saves is what `--json` gives, and can be read as a study file."""
    file = find_study_file("digits")
    assert file is not None
    create(open_database("sqlite:///tuner.db"), prepare(file), file.text)
    proposal = json.loads(tuner("report digits --json").out)["next_study"]
    saved = re.search(r"data:text/yaml;base64,([^\"]+)", Path("digits.html").read_text(encoding="utf-8"))
    assert saved is not None
    assert base64.b64decode(saved[1]).decode() == proposal["yaml"]
    assert parse_study_file(proposal["yaml"], source="next").data["study"]["name"] == "digits-2"
