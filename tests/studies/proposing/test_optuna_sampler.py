"""A proposer in plain Optuna, where several trials are open together."""

import pickle
from collections.abc import Sequence
from threading import Barrier

import optuna

from search_spaces.space.nodes import Float, Group, Value
from studies.ledger.slot import Slot
from studies.proposing.optuna_sampler import ProposerSampler
from studies.proposing.proposer import History, Origin, Proposal

SPACE = Group({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})


class _Noting:
    """Proposes other values at each call, and notes for which trial, beside which others."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, dict[int, dict[str, Value]]]] = []

    def propose(self, history: History, slots: Sequence[Slot]) -> list[Proposal]:
        """Propose one number for all parameters."""
        others = {record.number: dict(record.values) for record in history.records}
        self.asked.append((slots[0].number, others))
        value = len(self.asked) / 64
        return [Proposal({"x": value, "y": value}, Origin.MODEL)]


def test_trials_that_are_open_together_have_a_proposal_each() -> None:
    """Each is proposed once, beside all that the other will be, and forgotten when it has ended."""
    proposer = _Noting()
    sampler = ProposerSampler(proposer, SPACE)
    study = optuna.create_study(sampler=sampler)
    first, second = study.ask(), study.ask()
    for name in SPACE.children:
        for trial in (first, second):
            trial.suggest_float(name, 0.0, 1.0)
    assert first.params == {"x": 1 / 64, "y": 1 / 64}
    assert second.params == {"x": 2 / 64, "y": 2 / 64}
    assert proposer.asked == [(0, {1: {}}), (1, {0: first.params})]
    study.tell(first, 0.5)
    study.tell(second, state=optuna.trial.TrialState.FAIL)
    assert not sampler._values


def test_a_trial_that_is_half_set_does_not_run_beside_itself() -> None:
    """One whose first value is enqueued is no trial to keep away from when the others are proposed."""
    proposer = _Noting()
    study = optuna.create_study(sampler=ProposerSampler(proposer, SPACE))
    study.enqueue_trial({"x": 0.5})
    trial = study.ask()
    assert [trial.suggest_float(name, 0.0, 1.0) for name in SPACE.children] == [0.5, 1 / 64]
    assert proposer.asked == [(0, {})]


def test_threads_that_ask_together_mix_no_proposals() -> None:
    """With `n_jobs` each trial is one proposal, and the sampler can still be pickled."""
    proposer, both = _Noting(), Barrier(2, timeout=240)
    sampler = ProposerSampler(proposer, SPACE)
    study = optuna.create_study(sampler=sampler)

    def apart(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        both.wait()
        return x - trial.suggest_float("y", 0.0, 1.0)

    study.optimize(apart, n_trials=8, n_jobs=2)
    assert [trial.value for trial in study.trials] == [0.0] * 8
    assert sorted(number for number, _ in proposer.asked) == list(range(8))
    assert isinstance(pickle.loads(pickle.dumps(sampler)), ProposerSampler)  # noqa: S301 - written just now
