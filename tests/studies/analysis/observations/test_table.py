"""What becomes of trials that did not simply complete."""

from collections.abc import Mapping

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space.nodes import Choice, Float, Group, Int
from studies.analysis.errors import NothingToAnalyse
from studies.analysis.observations.table import observations
from studies.analysis.shares.evidence import Prediction, weigh
from studies.surrogate.domain import coordinate, domain_of, value_at
from studies.trials.outcomes import Outcome

SPACE = Group({"x": Float(0.0, 1.0)})
X = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}


def _trial(
    value: float | None,
    state: TrialState = TrialState.COMPLETE,
    curve: Mapping[int, float] | None = None,
    outcome: str | None = None,
) -> FrozenTrial:
    return optuna.trial.create_trial(
        params={"x": 0.5},
        distributions=X,
        value=value,
        state=state,
        intermediate_values=dict(curve or {}),
        user_attrs={"outcome": outcome} if outcome else {},
    )


COMPLETED = [_trial(float(i), curve={0: 10.0 + 2 * i, 1: float(i)}) for i in range(8)]


def test_a_pruned_trial_counts_as_those_that_scored_alike_at_its_last_step() -> None:
    """Pruned at 17, between two completed trials at 16 and 18 that came to 3 and 4, a trial counts as 3.5."""
    table = observations([*COMPLETED, _trial(None, TrialState.PRUNED, {0: 17.0})], SPACE)
    assert table.outcomes[-1] is Outcome.PRUNED
    assert table.loss[-1] == 3.5
    assert table.variance[-1] < 0.01  # what early scores foretell comes true in every completed trial


def test_a_rank_that_changes_later_makes_a_pruned_trial_uncertain() -> None:
    """Where early scores say little the inferred score is about as unsure as the scores are spread, 5.25."""
    mixed = [_trial(float(i), curve={0: float((3 * i) % 8), 1: float(i)}) for i in range(8)]
    table = observations([*mixed, _trial(None, TrialState.PRUNED, {0: 2.0})], SPACE)
    assert 4 < table.variance[-1] < 10


def test_a_pruned_trial_at_full_resource_counts_with_its_last_score() -> None:
    """A trial pruned after its last step has told its score."""
    table = observations([*COMPLETED, _trial(None, TrialState.PRUNED, {0: 30.0, 1: 21.0})], SPACE)
    assert (table.loss[-1], table.variance[-1]) == (21.0, 0.0)


def test_a_pruned_trial_without_a_curve_lies_in_the_worse_half() -> None:
    """Without curves only the pruner's verdict is known: mean and variance of the worse half, 4 to 7."""
    table = observations([*COMPLETED, _trial(None, TrialState.PRUNED)], SPACE)
    assert (table.loss[-1], table.variance[-1]) == (5.5, 1.25)


def test_a_diverged_trial_counts_as_the_worst() -> None:
    """Told by its attribute or by NaN, a diverged trial has the worst completed score in either direction."""
    diverged = [_trial(0.1, outcome="diverged"), _trial(None, TrialState.PRUNED, {0: float("nan")})]
    assert list(observations([*COMPLETED, *diverged], SPACE).loss[-2:]) == [7.0, 7.0]
    assert list(observations([*COMPLETED, *diverged], SPACE, minimize=False).loss[-2:]) == [0.0, 0.0]


def test_a_failed_trial_is_counted_only() -> None:
    """Failed, lost and preempted trials have no row, and running ones are not counted."""
    others = [
        _trial(None, TrialState.FAIL),
        _trial(None, TrialState.FAIL, outcome="lost"),
        _trial(None, TrialState.RUNNING),
    ]
    table = observations([*COMPLETED, *others], SPACE)
    assert table.trials == 8
    assert dict(table.counts) == {Outcome.COMPLETED: 8, Outcome.FAILED: 1, Outcome.LOST: 1}


def test_too_few_trials_are_refused() -> None:
    """Fewer than five completed trials are nothing to analyse."""
    with pytest.raises(NothingToAnalyse, match="4 completed trials"):
        observations(COMPLETED[:4], SPACE)


def test_crowded_and_repaired_trials_are_marked() -> None:
    """Few quasi-random trials, thin branches and many inferred scores each earn a sentence."""
    space = Group({"x": Float(0.0, 1.0), "c": Choice({"a": Group({"y": Float(0.0, 1.0)}), "b": Group()})})
    table = observations([*COMPLETED, *[_trial(None, TrialState.PRUNED) for _ in range(9)]], space)
    text = " ".join(weigh(table, Prediction(0.9, 9.0), 0.1, ()).warnings)
    assert "0% of the trials are known to be quasi-random" in text
    assert "c.a.y rests on 0 trials" in text
    assert "9 of 17 trials were pruned, and what they would have come to is unsure" in text
    assert weigh(table, Prediction(0.9, 9.0), 0.1, ()).confidence == "low"
    assert weigh(table, Prediction(0.2, 1.0), 0.0, ()).confidence == "none"


def test_whole_numbers_lie_in_the_middle_of_their_cells() -> None:
    """On a log range of whole numbers each value owns what Optuna rounds to it, and weighs as much."""
    axis = domain_of(Group({"k": Int(1, 4, log=True)})).axes[0]
    assert axis.weights.sum() == pytest.approx(1.0)
    assert axis.weights[0] == pytest.approx(np.log(3) / np.log(9))
    places = [coordinate(axis, k) for k in (1, 2, 3, 4)]
    assert places == pytest.approx(list(axis.nodes))
    assert [value_at(axis, place) for place in places] == [1, 2, 3, 4]
