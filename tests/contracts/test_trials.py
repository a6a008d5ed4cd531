"""The contract of a trial's life: asked for and told once, and nothing is lost whenever a worker dies."""

import time
from collections import Counter
from datetime import datetime, timedelta, tzinfo
from typing import NoReturn

import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from search_spaces.space.parameters import default_values
from studies.database.open import Database
from studies.database.optuna_tables import RUNG
from studies.definition.classes import SUCCESSIVE_HALVING
from studies.errors import NoSuggestion
from studies.ledger.budgets import Budget
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.opening import open_ledger
from studies.proposing.exploration import exploration_point
from studies.running.asking import ask
from studies.running.error_limit import errors_in_a_row
from studies.running.telling import tell
from studies.running.trial import carry_on, pruner_of, report
from studies.trials.outcomes import EFFECTS, Outcome, outcome_of
from tests.contracts.processes import answer_all, run_at_once
from tests.studies.lives import begun, end
from tests.studies.samples import SPACE, sample_definition


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Give a study of four slots, the first of which explores; nothing is retried."""
    return create(database, sample_definition(trials=4, exploration=0.25, retry=False), "source")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_is_kept_with_its_constraint(ledger: Ledger, outcome: Outcome) -> None:
    """A trial ends in Optuna's state of its outcome, and tells samplers in both forms whether it diverged."""
    ended = end(ledger, begun(ledger), outcome)
    violation = -1.0 if EFFECTS[outcome].feasible else 1.0
    assert ended.state is EFFECTS[outcome].state
    assert outcome_of(ended) is outcome
    assert ended.constraints["diverged"] == violation
    assert ended.system_attrs["constraints"] == [violation]
    assert ended.user_attrs["cause"] == "why"
    assert ended.user_attrs["seconds"] >= 0.0


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if EFFECTS[outcome].spends_slot])
def test_an_outcome_that_answers_spends_its_slot(ledger: Ledger, outcome: Outcome) -> None:
    """A trial that tells something about its values uses up one slot."""
    end(ledger, begun(ledger), outcome)
    assert ledger.slots.budget() == Budget(open=3, claimed=0, done=1)


@pytest.mark.parametrize("outcome", [Outcome.PREEMPTED, Outcome.LOST, Outcome.DISK_FULL])
def test_an_interrupted_trial_is_tried_again_as_it_was(ledger: Ledger, outcome: Outcome) -> None:
    """The attempt after a preempted or lost trial has its values, its seed and its configuration."""
    for _ in range(2):  # one slot that explores, one that the sampler answers
        first = begun(ledger)
        end(ledger, first, outcome)
        again = begun(ledger)
        assert again.slot.number == first.slot.number
        assert again.slot.attempt == 2
        assert again.values == first.values
        assert again.seed == first.seed
        assert again.configuration == first.configuration
        end(ledger, again, Outcome.COMPLETED)
    assert ledger.slots.budget() == Budget(open=2, claimed=0, done=2)


def test_a_failed_trial_is_followed_by_another_suggestion(ledger: Ledger) -> None:
    """After an error in the user's code the slot takes other values; one that explores explores on."""
    explored = begun(ledger)
    assert explored.values == default_values(SPACE)
    end(ledger, explored, Outcome.FAILED)
    fresh = begun(ledger)
    assert (fresh.slot.number, fresh.slot.draw, fresh.slot.explore) == (0, 1, True)
    assert fresh.values != explored.values
    end(ledger, fresh, Outcome.COMPLETED)
    sampled = begun(ledger)
    end(ledger, sampled, Outcome.FAILED)
    again = begun(ledger)
    assert again.slot.number == sampled.slot.number == 1
    assert again.values != sampled.values


def test_a_long_traceback_keeps_its_end(ledger: Ledger) -> None:
    """A text that the database could not hold is kept from its end, whatever characters it is made of."""
    running = begun(ledger)
    tell(ledger, running, Outcome.FAILED, None, {"traceback": "\N{SNOWMAN}" * 100_000 + "ZeroDivisionError"})
    kept = ledger.trial(running.number).user_attrs["traceback"]
    assert kept.endswith("ZeroDivisionError")
    assert len(kept) < 20_000


def test_a_score_that_is_no_number_is_refused(ledger: Ledger) -> None:
    """NaN is no score: it is an error of the caller, and the trial keeps running."""
    running = begun(ledger)
    with pytest.raises(ValueError, match="nan"):
        tell(ledger, running, Outcome.COMPLETED, float("nan"), {})
    assert ledger.trial(running.number).state is TrialState.RUNNING


@pytest.mark.parametrize("wrong", [-3600.0, 3600.0])
def test_a_wrong_clock_of_a_worker_decides_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    """With one worker an hour ahead or behind, the errors in a row and the durations are what they were."""
    shift, seconds = timedelta(seconds=wrong), time.time

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            return super().now(tz) + shift

    ends = [Outcome.COMPLETED, *[Outcome.FAILED] * 3]
    for number, outcome in enumerate(ends):
        with monkeypatch.context() as other:
            if number in {0, 2}:  # the worker with the wrong clock
                other.setattr("time.time", lambda: seconds() + wrong)
                other.setattr("datetime.datetime", Shifted)
                other.setattr("optuna.storages._rdb.storage.datetime", Shifted)
                other.setattr("studies.database.optuna_tables.datetime", Shifted)
            ended = end(ledger, begun(ledger), outcome)
        assert ended.duration is not None
        assert timedelta(0) <= ended.duration < timedelta(minutes=10)
    assert [trial.number for trial in errors_in_a_row(ledger)] == [3, 2, 1]


@pytest.mark.parametrize("outcome", [Outcome.OUT_OF_MEMORY, Outcome.TIMED_OUT])
def test_a_trial_at_a_limit_is_tried_once_more(database: Database, outcome: Outcome) -> None:
    """Out of memory or time, a trial is tried again as it was; the second time spends the slot."""
    ledger = create(database, sample_definition(trials=1), "")
    first = begun(ledger)
    assert end(ledger, first, outcome).state is TrialState.FAIL
    assert outcome_of(ledger.trial(first.number)) is outcome
    assert ledger.slots.budget() == Budget(open=1, claimed=0, done=0)
    preempted = begun(ledger)
    end(ledger, preempted, Outcome.PREEMPTED)
    again = begun(ledger)
    assert again.values == first.values
    assert again.trial.user_attrs["earlier"] == preempted.number
    assert end(ledger, again, outcome).state is TrialState.PRUNED
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=1)


class Broken(RandomSampler):
    """A sampler with a mistake."""

    def sample_independent(self, *_: object) -> NoReturn:
        """Raise."""
        raise ZeroDivisionError("broken")


def test_an_error_of_the_sampler_frees_the_slot(database: Database) -> None:
    """A sampler that raises leaves no trial running and no slot held."""
    sampler = {"class_path": f"{__name__}.{Broken.__name__}", "init_args": {}}
    ledger = create(database, sample_definition(trials=4, exploration=0.0, sampler=sampler), "")
    end(ledger, begun(ledger), Outcome.COMPLETED)  # the defaults
    with pytest.raises(NoSuggestion, match="answered with ZeroDivisionError: broken"):
        ask(ledger, "worker")
    assert ledger.trials(TrialState.RUNNING) == []
    assert ledger.trial(1).user_attrs["cause"] == "no values: ZeroDivisionError: broken"
    assert ledger.slots.budget() == Budget(open=3, claimed=0, done=1)


def test_workers_spend_exactly_the_budget(url: str, database: Database) -> None:
    """Processes that answer one study finish each of its slots once, and leave no trial running."""
    ledger = create(database, sample_definition(trials=9, exploration=0.5), "")
    answered = run_at_once(3, answer_all, url, ledger.name)
    trials = open_ledger(database, ledger.name).trials()
    assert sorted(number for share in answered for number in share) == list(range(9))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert Counter(trial.user_attrs["slot"] for trial in trials) == Counter(range(9))
    assert ledger.slots.budget() == Budget(open=0, claimed=0, done=9)
    assert len({tuple(trial.params.items()) for trial in trials}) == 9


def test_exploring_slots_take_the_points_of_their_numbers(database: Database) -> None:
    """Which worker asks, and when, does not change the points that a study explores."""
    ledger = create(database, sample_definition(trials=6, exploration=1.0, seed=5), "")
    held = [begun(ledger) for _ in range(6)]
    assert [running.values for running in held] == [
        exploration_point(SPACE, index=number, seed=5) for number in range(6)
    ]
    assert all(ledger.trial(running.number).user_attrs["exploration"] for running in held)


def test_suggestions_before_any_score_are_distinct(database: Database) -> None:
    """Workers that ask at once, before anything has ended, draw different points."""
    ledger = create(database, sample_definition(trials=6, exploration=0.0), "")
    points = [tuple(begun(ledger).values.items()) for _ in range(6)]
    assert len(set(points)) == 6


def test_a_study_is_repeatable(database: Database) -> None:
    """The same definition and the same scores give the same suggestions, one by one."""
    runs = []
    for _ in range(2):
        ledger = create(database, sample_definition(trials=6, exploration=0.5, seed=3), "")
        values = []
        for _ in range(6):
            running = begun(ledger)
            values.append((running.values, running.seed))
            score = sum(value for value in running.values.values() if isinstance(value, int | float))
            tell(ledger, running, Outcome.COMPLETED, score, {})
        runs.append(values)
    assert runs[0] == runs[1]
    assert len({seed for _, seed in runs[0]}) == 6


def test_errors_in_a_row_are_counted_by_their_end(ledger: Ledger) -> None:
    """The count begins anew with a trial that ended well, and is not broken by an interruption."""
    counts = []
    for outcome in (Outcome.FAILED, Outcome.COMPLETED, Outcome.FAILED, Outcome.PREEMPTED, Outcome.FAILED):
        end(ledger, begun(ledger), outcome)
        counts.append(len(errors_in_a_row(ledger)))
    assert counts == [1, 0, 1, 1, 2]


def test_an_attempt_does_not_compete_with_the_one_before_at_a_rung(database: Database) -> None:
    """A preempted trial leaves the rung that it had reached to the attempt that carries its curve on."""
    pruner = {"class_path": SUCCESSIVE_HALVING, "init_args": {"min_resource": 1, "reduction_factor": 2}}
    ledger = create(database, sample_definition(trials=2, exploration=1.0, pruner=pruner), "")
    ledger.study.pruner = pruner_of(ledger)
    preempted = begun(ledger)
    report(preempted, 1, 0.5)
    assert any(key.startswith(RUNG) for key in ledger.trial(preempted.number).system_attrs)
    end(ledger, preempted, Outcome.PREEMPTED)
    again = begun(ledger)
    carry_on(again, {1: 0.5})
    at_a_rung = [
        trial.number for trial in ledger.trials() if any(key.startswith(RUNG) for key in trial.system_attrs)
    ]
    assert at_a_rung == [again.number]


def test_a_trial_is_stopped_at_a_rung_unless_it_explores(database: Database) -> None:
    """A bad trial is stopped at the first rung, one that explores never is, every validation is stored."""
    pruner = {"class_path": SUCCESSIVE_HALVING, "init_args": {"min_resource": 2, "reduction_factor": 3}}
    ledger = create(database, sample_definition(trials=4, exploration=0.5, pruner=pruner), "")
    ledger.study.pruner = pruner_of(ledger)
    validations = []
    for badness in range(4):
        running = begun(ledger)
        steps = next((step for step in range(1, 10) if report(running, step, badness + 1 / step)), 9)
        validations.append(steps)
        ended = end(ledger, running, Outcome.PRUNED if steps < 9 else Outcome.COMPLETED)
        assert sorted(ended.intermediate_values) == list(range(1, steps + 1))
    assert validations == [9, 9, 2, 2]
