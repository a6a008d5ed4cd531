"""The sections that answer what to do: near the best, early stopping, where results come from."""

import optuna
import pytest

from studies.report.investigation import Investigation, investigate
from studies.report.parts import Heading, Items, Table, Words
from studies.report.section import Material, all_sections, shown
from studies.report.sections.decisions import early_stopping
from studies.report.subject import subject_of_study


def _objective(trial: optuna.Trial) -> float:
    kind = trial.suggest_categorical("kind", ["x", "y", "z"])
    score = 1 + trial.suggest_float("a", 0.0, 1.0) ** 2 + 0.3 * (kind == "z")
    for step in range(1, 10):
        trial.report(score + 1 / step, step)
    return score


def _study(trials: int) -> optuna.Study:
    study = optuna.create_study(study_name="seen", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(_objective, n_trials=trials)
    return study


@pytest.fixture(scope="module")
def material() -> Material:
    """A study of forty trials with whole curves, in which two of three options are as good."""
    subject = subject_of_study(_study(40))
    return Material(subject, investigate(subject, progress=lambda _: None))


def test_a_report_tells_what_matters_near_the_best(material: Material) -> None:
    """Beside the global shares stand those of the good region, with the options that are tied."""
    parts = dict(shown(material, all_sections()))["Near the best"]
    (table,) = [part for part in parts if isinstance(part, Table)]
    assert table.rows[0][0] == "a"
    (items,) = [part for part in parts if isinstance(part, Items)]
    assert "x" in items.lines[0]
    assert "y are tied" in items.lines[0] or "x are tied" in items.lines[0]


def test_a_report_says_on_how_many_curves_the_replay_rests(material: Material) -> None:
    """Curves that keep their order lose nothing, and their number is told."""
    said, note = early_stopping.parts(material)
    assert isinstance(said, Words)
    assert isinstance(note, Words)
    assert "the default pruner, SuccessiveHalvingPruner, would have stopped" in said.text
    assert "would have run to its end" in said.text
    assert note.text.startswith("It rests on 40 complete curves of 9 validations")


def test_nothing_is_said_of_early_stopping_where_curves_are_few() -> None:
    """Ten curves are no base for a sentence."""
    bare = Material(subject_of_study(_study(10)), Investigation(None, None, "too few"))
    assert early_stopping.parts(bare) == []


def test_a_report_tells_where_its_results_come_from(material: Material) -> None:
    """The dates stand below the trials, under a heading of their own."""
    parts = dict(shown(material, all_sections()))["Trials"]
    assert Heading("Where these results come from") in parts
    assert any(isinstance(part, Table) and part.rows[0][0] == "dates" for part in parts)
