"""The replay of early stopping on curves that are known to their end."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from studies.analysis.findings.search.early_stopping import Replay, replay_early_stopping
from studies.trials.outcomes import Outcome
from studies.trials.record import TrialRecord

LENGTH = 9
HALVING = {
    "class_path": "optuna.pruners.SuccessiveHalvingPruner",
    "init_args": {"min_resource": 3, "reduction_factor": 3},
}


def _trials(curves: np.ndarray) -> list[TrialRecord]:
    return [
        TrialRecord(
            number, number, 1, {}, Outcome.COMPLETED, float(curve[-1]),
            {step: float(score) for step, score in enumerate(curve, start=1)},
        )
        for number, curve in enumerate(curves)
    ]  # fmt: skip


def _replayed(curves: np.ndarray, pruner: dict[str, Any] | None, *, minimizes: bool = True) -> Replay:
    found = replay_early_stopping(_trials(curves), pruner, minimizes=minimizes)
    assert found is not None
    return found


def _by_hand(curves: np.ndarray) -> set[int]:
    """Stop by halving at validation 3: who is not among the best third of those seen there so far."""
    stopped, seen = set(), []
    for number, score in enumerate(curves[:, 2]):
        seen.append(score)
        kept = max(len(seen) // 3, 1)
        if score > sorted(seen)[kept - 1]:
            stopped.add(number)
    return stopped


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_the_best_that_is_lost_is_exact(seed: int) -> None:
    """On curves that cross, what is said is what stopping by the rule itself gives, trial by trial."""
    random = np.random.default_rng(seed)
    curves = random.random((30, 1)) + random.random((30, LENGTH))
    stopped, found = _by_hand(curves), _replayed(curves, HALVING)
    top = np.argsort(curves[:, -1])[:5].tolist()
    assert found.top == tuple(top)
    assert found.lost == dict.fromkeys([number for number in top if number in stopped], 3)
    assert found.lost_share == len(stopped & set(top)) / 5
    assert found.stopped == len(stopped)
    assert found.saved == pytest.approx(len(stopped) * 6 / (30 * LENGTH))


def test_a_late_bloomer_is_said_to_be_lost() -> None:
    """The trial that ends best and begins worst would have been stopped, and the sentence names it."""
    curves = np.linspace(1, 2, 20)[:, None] * np.ones(LENGTH)
    curves[12, :-1], curves[12, -1] = 5.0, 0.1
    found = _replayed(curves, HALVING)
    assert found.top[0] == 12
    assert found.lost[12] == 3
    assert "The winner, trial 12, would have been stopped after validation 3." in found.in_words()
    assert "over the 20 trials that ran to their end" in found.in_words()


def test_the_winner_is_the_one_that_the_study_calls_its_best() -> None:
    """Fresh seeds may decide for another trial than the best score, and the sentence is about that one."""
    curves = np.random.default_rng(3).random((20, LENGTH))
    stopped = _by_hand(curves)
    for number in range(20):
        found = replay_early_stopping(_trials(curves), HALVING, minimizes=True, winner=number)
        assert found is not None
        assert (found.winner, found.winner_stopped) == (number, 3 if number in stopped else None)
        assert f"The winner, trial {number}, would have" in found.in_words()


def test_a_winner_of_another_length_takes_no_part() -> None:
    """No other trial is called the winner where the curve of the study's best cannot be replayed."""
    best = TrialRecord(20, 20, 1, {}, Outcome.COMPLETED, 0.01, {1: 0.02, 2: 0.01})
    trials = [*_trials(np.random.default_rng(3).random((20, LENGTH))), best]
    found = replay_early_stopping(trials, HALVING, minimizes=True, winner=20)
    assert found is not None
    assert (found.curves, found.to_data()["winner"]) == (20, None)
    assert found.in_words().endswith(" The winner takes no part, since its curve is none of theirs.")


def test_a_trial_that_breaks_a_limit_is_no_winner() -> None:
    """It is replayed like any other, behind all that keep the limits."""
    curves = np.random.default_rng(3).random((20, LENGTH))
    best = int(np.argmin(curves[:, -1]))
    trials = [
        replace(each, violations={"size": 1.0}) if each.number == best else each for each in _trials(curves)
    ]
    found = replay_early_stopping(trials, HALVING, minimizes=True)
    assert found is not None
    assert found.top == tuple(np.argsort(curves[:, -1])[1:6].tolist())
    assert found.winner == found.top[0]


def test_a_score_that_grows_is_replayed_as_one() -> None:
    """Turned round, the same curves have the same trials stopped."""
    curves = np.random.default_rng(0).random((20, LENGTH))
    assert _replayed(-curves, HALVING, minimizes=False).lost == _replayed(curves, HALVING).lost


def test_a_study_that_prunes_nothing_is_replayed_with_the_default() -> None:
    """Where no pruner is named, or one that stops nothing, the sentence says whose answer it is."""
    curves = np.random.default_rng(0).random((20, LENGTH))
    found = _replayed(curves, {"class_path": "optuna.pruners.NopPruner"})
    assert found.pruner == "optuna.pruners.SuccessiveHalvingPruner"
    assert "the default pruner, SuccessiveHalvingPruner, would have stopped" in found.in_words()


def test_few_curves_say_nothing() -> None:
    """With fourteen curves, with one validation each, or with trials that were stopped, nothing is told."""
    curves = np.random.default_rng(0).random((20, LENGTH))
    assert replay_early_stopping(_trials(curves[:14]), HALVING, minimizes=True) is None
    assert replay_early_stopping(_trials(curves[:, :1]), HALVING, minimizes=True) is None
    assert replay_early_stopping([], HALVING, minimizes=True) is None


@pytest.mark.parametrize(
    "pruner",
    [
        {"class_path": "antigravity.Pruner", "init_args": {}},
        {
            "class_path": "optuna.pruners.PatientPruner",
            "init_args": {"patience": 2, "wrapped_pruner": {"class_path": "antigravity.Pruner"}},
        },
        {
            "class_path": "optuna.pruners.MedianPruner",
            "init_args": {"n_startup_trials": {"class_path": "os.system"}},
        },
    ],
)
def test_no_report_imports_what_a_database_names_as_a_pruner(pruner: dict[str, Any]) -> None:
    """Nothing is made of a class that is none of Optuna's plain ones; no module is imported for it."""
    curve = {1: 0.5, 2: 0.4, 3: 0.3}
    trials = [
        TrialRecord(number, number, 1, {}, Outcome.COMPLETED, 0.3 + number, curve) for number in range(30)
    ]
    before = set(sys.modules)
    assert replay_early_stopping(trials, pruner, minimizes=True) is None
    assert set(sys.modules) == before
