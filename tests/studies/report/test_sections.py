"""The door of a report: every section shows itself, and one that fails hurts no other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
import pytest

from studies.report.investigation import investigate
from studies.report.parts import Part, Words
from studies.report.section import Material, all_sections, shown
from studies.report.subject import subject_of_study


@pytest.fixture(scope="module")
def material() -> Material:
    """What is known of a study by plain Optuna whose two parameters interact."""
    study = optuna.create_study(study_name="seen", sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(_objective, n_trials=48)
    subject = subject_of_study(study)
    return Material(subject, investigate(subject, progress=lambda _: None))


def _objective(trial: optuna.Trial) -> float:
    first, second = trial.suggest_float("a", 0.0, 1.0), trial.suggest_float("b", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["x", "y"])
    return float(np.square(first - second) + 0.05 * (kind == "x"))


class Broken:
    """A section with a mistake in it."""

    TITLE, PLACE = "Broken", 15

    @staticmethod
    def parts(material: Material) -> Sequence[Part]:
        """Raise."""
        raise ZeroDivisionError("the mistake")


def test_every_section_shows_itself(material: Material) -> None:
    """No section raises on a whole study, and their places are their order."""
    sections = all_sections()
    assert len({section.PLACE for section in sections}) == len(sections)
    found = dict(shown(material, sections))
    assert not [said for said in _words(found) if "could not be made" in said]
    assert {"What was found", "What mattered", "What interacts", "Progress", "Trials"} <= set(found)


def test_a_section_that_fails_says_so_and_hurts_no_other(material: Material) -> None:
    """A mistake in one section is a sentence in its place."""
    sections: list[Any] = [*all_sections()[:1], Broken, *all_sections()[1:]]
    found = dict(shown(material, sections))
    assert found["Broken"] == [Words("This part could not be made: ZeroDivisionError: the mistake.")]
    others = [title for title, _ in shown(material, all_sections())]
    assert [title for title in found if title != "Broken"] == others


def _words(found: dict[str, Sequence[Part]]) -> list[str]:
    return [part.text for parts in found.values() for part in parts if isinstance(part, Words)]
