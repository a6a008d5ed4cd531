"""The contract of limits: what breaks one is never the best, and samplers learn of it."""

from typing import Any

import pytest

from studies.database.open import Database
from studies.ledger.following import Following
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from studies.ledger.status import status_of, status_of_lines
from studies.running.telling import tell
from studies.trials.attributes import METRICS
from studies.trials.outcomes import Outcome
from tests.studies.lives import begun
from tests.studies.samples import TPE, sample_definition

LIMITS = {"width": "<= 40", "rate": ">= 1e-3"}
GP = {"class_path": "optuna.samplers.GPSampler", "init_args": {"n_startup_trials": 5}}


def facts_of(values: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Give the score and the metrics of values: the widest network is the best, but breaks a limit."""
    width = float(values["model.init_args.width"])
    rate = next(float(value) for name, value in values.items() if name.endswith(".lr"))
    return -width - rate, {"width": width, "rate": rate}


def searched(database: Database, sampler: dict[str, Any] | None, trials: int) -> Ledger:
    """Answer the trials of a study with limits."""
    definition = sample_definition(
        trials=trials, exploration=0.25, sampler=sampler, keep_metrics=["width"], limits=LIMITS
    )
    ledger = create(database, definition, "")
    for _ in range(trials):
        running = begun(ledger)
        score, metrics = facts_of(dict(running.values))
        assert tell(ledger, running, Outcome.COMPLETED, score, {METRICS: metrics})
    return ledger


@pytest.mark.parametrize("sampler", [None, TPE, GP], ids=["ours", "TPE", "GP"])
def test_the_best_is_the_best_of_those_that_a_search_of_all_trials_finds_within_the_limits(
    database: Database, sampler: dict[str, Any] | None
) -> None:
    """Ranks, best and counts agree with looking at every trial."""
    ledger = searched(database, sampler, 20)
    within = {}
    for record in ledger.records():
        score, metrics = facts_of(dict(record.values))
        assert record.metrics == metrics
        assert set(record.broken) == {
            name
            for name, holds in (("width", metrics["width"] <= 40), ("rate", metrics["rate"] >= 1e-3))
            if not holds
        }
        if not record.broken:
            within[record.number] = score
    status = status_of(ledger)
    assert [record.number for record in ledger.ranked()] == sorted(within, key=within.__getitem__)
    assert status.best == next(iter(ledger.ranked()), None)
    assert status.broken == 20 - len(within)
    assert status.limits == ("width <= 40", "rate >= 0.001")
    followed = Following(ledger.database.engine, ledger.identifier, ledger.slots.ledger, limits=tuple(LIMITS))
    assert status_of_lines(ledger, followed.look()) == status


def test_a_limit_on_what_is_not_known_is_not_broken(database: Database) -> None:
    """A trial that was pruned before it could be measured counts as feasible; NaN, kept as None, does not."""
    ledger = create(database, sample_definition(trials=4, limits={"size": "<= 5"}), "")
    for metrics in ({}, {"size": None}, {"size": 4}, {"size": 6}):
        assert tell(ledger, begun(ledger), Outcome.PRUNED, None, {METRICS: metrics})
    assert [record.broken for record in ledger.records()] == [(), ("size",), (), ("size",)]
