"""What became of trials by how they were proposed, against Mann and Whitney's statistic of scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from studies.analysis.findings.search.proposals import Proposals, proposals_of
from studies.definition.settings import StudySettings
from studies.proposing.proposer import Origin
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

SETTINGS = StudySettings("mine", "loss", seed=0)


def _trial(number: int, score: float | None, origin: Origin, **other: object) -> TrialRecord:
    outcome = Outcome.COMPLETED if score is not None else Outcome.DIVERGED
    curve = {1: 1.0} if score is None else {1: 2 * score, 2: score}
    told: dict[str, object] = {"slot": number, "attempt": 1, "values": {"x": float(number)}, **other}
    return TrialRecord(number=number, outcome=outcome, score=score, curve=curve, origin=origin.value, **told)  # type: ignore[arg-type]


def _found(searched: list[float | None], explored: list[float | None]) -> Proposals:
    records = [_trial(n, score, Origin.EXPLORATION) for n, score in enumerate(explored)]
    records += [_trial(100 + n, score, Origin.SAMPLER) for n, score in enumerate(searched)]
    found = proposals_of(records, SETTINGS)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_pairs_is_that_of_mann_and_whitney(seed: int) -> None:
    """With ties and with trials that diverged, which are the worst and all alike."""
    random = np.random.default_rng(seed)
    searched, explored = random.integers(0, 6, 20).astype(float), random.integers(2, 9, 12).astype(float)
    found = _found([*searched, None], [*explored, None, None])
    expected = mannwhitneyu([*explored, 99, 99], [*searched, 99]).statistic / (14 * 21)
    assert found.better is not None
    assert found.better[0] == pytest.approx(expected)
    assert found.better[1] <= expected <= found.better[2]


def test_a_search_that_is_chance_is_not_called_better() -> None:
    """Where both draw alike, at most a tenth of the studies and some are told that one is better."""
    random = np.random.default_rng(0)
    told = [
        "does not show" not in " ".join(_found(list(random.random(25)), list(random.random(15))).in_words())
        for _ in range(40)
    ]
    assert sum(told) <= 8


def test_a_search_that_is_better_or_worse_is_called_so() -> None:
    """The sentence follows the interval, and few trials say nothing."""
    low, high = list(np.linspace(0, 1, 12)), list(np.linspace(0.8, 2, 12))
    assert "better than exploring." in _found(low, high).in_words()[0]
    assert "worse than exploring." in _found(high, low).in_words()[0]
    assert _found(low[:7], high).in_words() == []


def test_every_validation_is_counted_once_and_belongs_to_who_proposed_it() -> None:
    """One that went on counts with its slot's first origin and its last curve, and with all its trainings."""
    explored = _trial(0, 1.0, Origin.EXPLORATION, repeats=(1.0, 1.1, 0.9))
    first = TrialRecord(1, 7, 1, {"x": 1.0}, Outcome.PAUSED, None, {1: 3.0}, origin=Origin.MODEL.value)
    again = TrialRecord(
        2, 7, 2, {"x": 1.0}, Outcome.COMPLETED, 0.5, {1: 3.0, 2: 1.0, 3: 0.5}, origin=Origin.CONTINUED.value
    )
    found = proposals_of([explored, first, again], SETTINGS, repeats=6)
    assert found is not None
    assert [(row.name, row.trials, row.validations, row.best) for row in found.rows] == [
        ("exploration, quasi-random", 1, 6, 1.0),
        ("the joint model", 1, 3, 0.5),
    ]
    assert found.validations == 15


def test_a_trial_that_breaks_a_limit_is_among_no_best() -> None:
    """It ran to its end, and is neither the best of its origin nor one of the leading."""
    records = [
        _trial(n, float(n), Origin.SAMPLER, violations={"size": 1.0} if n < 3 else {}) for n in range(20)
    ]
    found = proposals_of(records, SETTINGS)
    assert found is not None
    (row,) = found.rows
    assert (row.ended, row.best, row.leading) == (20, 3.0, 10)


def test_what_a_model_expected_is_held_against_what_came() -> None:
    """The rank correlation is told from eight trials on."""
    records = [_trial(n, float(n), Origin.MODEL, expected=float(n * n)) for n in range(8)]
    found = proposals_of(records, SETTINGS)
    assert found is not None
    assert found.foretold == (1.0, 8)
    fewer = proposals_of(records[:7], SETTINGS)
    assert fewer is not None
    assert fewer.foretold is None


def test_what_was_expected_of_a_trial_that_paused_is_held_against_its_end() -> None:
    """The model has said it of the first attempt, and the score came with the second."""
    records = []
    for number in range(8):
        first = _trial(number, None, Origin.MODEL, expected=float(number))
        end = _trial(
            100 + number, float(number), Origin.CONTINUED, slot=number, attempt=2, values=first.values
        )
        records += [replace(first, outcome=Outcome.PAUSED), end]
    found = proposals_of(records, SETTINGS)
    assert found is not None
    assert found.foretold == (1.0, 8)
