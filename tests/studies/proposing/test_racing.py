"""Races: who is stopped, and how often by mistake."""

from typing import Any

import numpy as np
import pytest

from studies.proposing.proposer import History
from studies.proposing.racing import SURE, race
from studies.proposing.stop_rule import Action
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord
from tests.studies.samples import sample_definition


def record(
    number: int, scores: Any, outcome: Outcome | None = Outcome.COMPLETED, **changes: Any
) -> TrialRecord:
    """Make a trial with the scores of its trainings."""
    told = tuple(map(float, scores))
    return TrialRecord(number, number, 1, {}, outcome, float(np.mean(told)), {}, repeats=told, **changes)


def verdict(rivals: list[Any], scores: Any, **settings: Any) -> bool:
    """Say whether a trial with such scores is stopped beside rivals."""
    definition = sample_definition(**{"repeats": {"seeds": 3}, **settings})
    history = History(definition, lambda: [record(number, rival) for number, rival in enumerate(rivals)])
    return race(history, record(99, scores, None), list(scores)).verdict is Action.STOP


@pytest.mark.parametrize("done", [1, 2])
def test_one_that_is_as_good_as_its_rival_is_stopped_as_seldom_as_is_said(done: int) -> None:
    """With one rival of the same mean the statistic has Student's distribution, so 5 % are stopped."""
    random = np.random.default_rng(1)
    stopped = [verdict([random.normal(size=3)], random.normal(size=done)) for _ in range(3000)]
    assert np.mean(stopped) == pytest.approx(1 - SURE, abs=0.012)


def test_folds_that_differ_by_more_than_trials_hide_no_difference() -> None:
    """A fold's own difficulty is no noise: what is a little worse on it is stopped, what is better is not."""
    random = np.random.default_rng(2)
    folds = np.array([0.0, 30.0, -20.0])
    rivals = [folds + random.normal(scale=0.1, size=3) for _ in range(4)]
    assert verdict(rivals, folds[:1] + 1.0, repeats={"folds": 3})
    assert verdict(rivals, folds[:2] + 1.0, repeats={"folds": 3})
    assert not verdict(rivals, folds[:1] - 1.0, repeats={"folds": 3})
    assert not verdict(rivals, folds[:1] + 1.0)  # as seeds, so much is noise


def test_nobody_is_stopped_where_nothing_is_known_of_chance() -> None:
    """Without a rival, with one on folds, without racing, or exploring, a trial is trained to its end."""
    bad, rival = [1000.0], [1.0, 1.1, 0.9]
    assert verdict([rival], bad)
    assert not verdict([], bad)
    assert not verdict([rival], bad, repeats={"folds": 3})
    assert not verdict([rival], bad, racing=False)
    assert not verdict([rival], [-1000.0])
    assert verdict([rival], [-1000.0], direction="maximize")
    history = History(sample_definition(repeats={"seeds": 3}), lambda: [record(0, rival)])
    assert race(history, record(9, bad, None, explores=True), bad).verdict is Action.GO_ON
    for other in (
        record(0, rival, violations={"size": 1.0}),
        record(0, rival, Outcome.PRUNED),
        record(0, rival[:2]),
    ):
        alone = History(sample_definition(repeats={"seeds": 3}), lambda other=other: [other])
        assert race(alone, record(9, bad, None), bad).verdict is Action.GO_ON
