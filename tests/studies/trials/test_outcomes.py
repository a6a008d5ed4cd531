"""Outcomes: what a trial's record says about how it ended, whoever wrote it."""

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from studies.trials.outcomes import EFFECTS, Outcome, broken_limits, outcome_of, violations_of


def trial(state: TrialState, **attributes: Any) -> FrozenTrial:
    """Make a trial with attributes; those with a colon are the system's."""
    system = {key: value for key, value in attributes.items() if ":" in key}
    user = {key: value for key, value in attributes.items() if ":" not in key}
    value = 1.0 if state is TrialState.COMPLETE else None
    return create_trial(state=state, value=value, user_attrs=user, system_attrs=system)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_named_outcome_is_believed(outcome: Outcome) -> None:
    """A trial that was told here says itself how it ended."""
    assert outcome_of(trial(EFFECTS[outcome].state, outcome=outcome.value)) is outcome


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (TrialState.COMPLETE, Outcome.COMPLETED),
        (TrialState.PRUNED, Outcome.PRUNED),
        (TrialState.FAIL, Outcome.FAILED),
        (TrialState.RUNNING, None),
        (TrialState.WAITING, None),
    ],
)
def test_a_trial_of_plain_optuna_is_judged_by_its_state(state: TrialState, outcome: Outcome | None) -> None:
    """A trial that another program made has the outcome of its state."""
    assert outcome_of(trial(state)) is outcome


def test_the_state_decides_where_two_workers_wrote() -> None:
    """Of a slow worker and the one that declared it lost, that whose state was taken is right."""
    assert outcome_of(trial(TrialState.COMPLETE, outcome="lost")) is Outcome.COMPLETED
    assert outcome_of(trial(TrialState.FAIL, outcome="completed")) is Outcome.LOST
    assert (
        outcome_of(trial(TrialState.PRUNED, outcome="lost", **{"constraints:diverged": -1.0}))
        is Outcome.PRUNED
    )
    assert (
        outcome_of(trial(TrialState.PRUNED, outcome="lost", **{"constraints:diverged": 1.0}))
        is Outcome.DIVERGED
    )
    assert outcome_of(trial(TrialState.RUNNING, outcome="lost")) is None


def test_a_violated_constraint_of_another_kind_is_no_divergence() -> None:
    """A pruned trial of plain Optuna with constraints of its own stays pruned."""
    assert outcome_of(trial(TrialState.PRUNED, **{"constraints:memory": 1.0})) is Outcome.PRUNED


def test_the_constraints_of_another_program_are_limits() -> None:
    """A completed trial of plain Optuna breaks those above zero; of one of ours only limits count."""
    held = {"constraints:memory": 1.0, "constraints:time": 0.0, "constraints:odd": None}
    assert broken_limits(trial(TrialState.COMPLETE, **held)) == ("memory",)
    assert broken_limits(create_trial(value=1.0, system_attrs={"constraints": [-1.0, 2.0]})) == ("1",)
    mine = {"outcome": "completed", **held, "constraints:limit:size": 3.0}
    assert broken_limits(trial(TrialState.COMPLETE, **mine)) == ("size",)


def test_by_how_much_limits_are_broken_is_known_where_it_was_measured() -> None:
    """One of ours that stands at its limit is told from one of which nothing is known; NaN says nothing."""
    limits = {"constraints:limit:size": -0.5, "constraints:limit:time": 0.0, "constraints:diverged": -1.0}
    unknown = trial(TrialState.COMPLETE, outcome="completed", **limits)
    assert violations_of(unknown) == {"size": -0.5}
    measured = trial(TrialState.COMPLETE, outcome="completed", metrics={"time": 4.0}, **limits)
    assert violations_of(measured) == {"size": -0.5, "time": 0.0}
    foreign = {"constraints:memory": 0.0, "constraints:time": float("nan"), "constraints:disk": float("inf")}
    assert violations_of(trial(TrialState.COMPLETE, **foreign)) == {"memory": 0.0, "disk": 1e300}
    odd = {"constraints:limit:size": 1.0, "constraints:size": -1.0, "constraints:n": -(10**400)}
    assert violations_of(trial(TrialState.COMPLETE, **odd)) == {"size": 1.0, "n": -1e300}


def test_a_score_that_is_no_number_is_divergence() -> None:
    """Infinity as a result and NaN as the last validation are divergence, whoever wrote them."""
    assert outcome_of(create_trial(value=float("inf"))) is Outcome.DIVERGED
    for last, outcome in ((float("nan"), Outcome.DIVERGED), (3.0, Outcome.PRUNED)):
        curve = {1: 5.0, 2: last}
        assert outcome_of(create_trial(state=TrialState.PRUNED, intermediate_values=curve)) is outcome


def test_a_diverged_trial_may_be_complete() -> None:
    """Told as COMPLETE, for samplers that read no other trials, a diverged trial stays diverged."""
    assert outcome_of(trial(TrialState.COMPLETE, outcome="diverged")) is Outcome.DIVERGED
    assert outcome_of(trial(TrialState.COMPLETE, **{"constraints:diverged": 1.0})) is Outcome.DIVERGED


def test_the_table_of_the_documents_is_what_outcomes_do() -> None:
    """docs/architecture.md names every outcome once, with Optuna's state, its slot and what follows."""
    page = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## What an outcome does")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "|" in line]
    told = {Outcome(name): row for row in rows[2:] for name in row[0].split(", ")}
    assert sum(len(row[0].split(", ")) for row in rows[2:]) == len(told) == len(Outcome)
    for outcome, (_, state, slot, then) in told.items():
        effect = EFFECTS[outcome]
        assert state == effect.state.name + ("" if effect.feasible else ", infeasible"), outcome
        second = ", the second time" if effect.may_be_retried else ""
        waits = "paused" if effect.pauses else "free"
        assert slot == (f"spent{second}" if effect.spends_slot else waits), outcome
        assert ("new values" in then) is effect.fresh, outcome
        assert ("error" in then or "alike" in then) is effect.is_error, outcome


def late_divergences(state: TrialState, seed: int) -> int:
    """Count the last 40 of 80 trials that diverge, where the score is best just below what diverges."""
    study = optuna.create_study(sampler=TPESampler(n_startup_trials=0, seed=seed))
    diverged = []
    for _ in range(80):
        asked = study.ask()
        x, y = asked.suggest_float("x", 0.0, 1.0), asked.suggest_float("y", 0.0, 1.0)
        diverged.append(x > 0.5)
        asked.set_constraint("diverged", 1.0 if diverged[-1] else -1.0)
        if diverged[-1]:
            study.tell(asked, state=state)
        else:
            study.tell(asked, 0.5 - x + (y - 0.5) ** 2)
    return sum(diverged[40:])


def test_a_sampler_is_kept_from_where_training_diverges() -> None:
    """Told as the outcome is, divergence happens less than half as often as if told as a failure."""
    told = sum(late_divergences(EFFECTS[Outcome.DIVERGED].state, seed) for seed in range(3))
    failed = sum(late_divergences(TrialState.FAIL, seed) for seed in range(3))
    assert told < failed / 2
