"""What a report says of the defaults and the best configuration as they were measured."""

import optuna
import pytest

from search_spaces.space.nodes import Float, Group
from studies.definition.settings import StudySettings
from studies.definition.study import StudyDefinition
from studies.report.sections.decisions.gained import measured_in_words
from studies.report.subject import Subject
from studies.running.confirmation import Candidate
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

SPACE = Group({"x": Float(0.0, 1.0, default=0.5)})
CONFIRMED = "0.3, 0.305 on 2 fresh seeds with the defaults"


def trial(number: int, x: float, score: float) -> TrialRecord:
    """Give a completed trial."""
    return TrialRecord(number, number, 1, {"x": x}, Outcome.COMPLETED, score, {1: score})


@pytest.mark.parametrize(
    ("other", "is_confirmed", "said"),
    [
        (0.25, True, f"{CONFIRMED}, the best on fresh seeds; before, trial 5 scored 0.25."),
        (0.40, True, f"{CONFIRMED}, which no trial has beaten."),
        (0.40, False, "0.3 with the defaults, which no trial has beaten."),
    ],
)
def test_the_defaults_are_unbeaten_only_where_no_trial_scored_better(
    other: float, said: str, *, is_confirmed: bool
) -> None:
    """One that scored better, and lost on fresh seeds, is named."""
    trials = trial(0, 0.5, 0.30), trial(5, 0.7, other)
    confirmed = (Candidate(trials[0], (), (0.30, 0.31)), Candidate(trials[1], (), (0.35, 0.36)))
    subject = Subject(
        optuna.create_study(), "seen", "loss", True, trials, SPACE, None,  # noqa: FBT003
        StudyDefinition(StudySettings("seen", "loss"), {}, SPACE), 2, None,
        candidates=confirmed if is_confirmed else (),
    )  # fmt: skip
    assert list(measured_in_words(subject)) == [f"Measured: {said}"]
