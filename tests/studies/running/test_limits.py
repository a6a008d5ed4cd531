"""Limits as samplers hear of them."""

from pathlib import Path
from typing import Any

import pytest

from studies.database.open import open_database
from tests.contracts.test_limits import GP, searched
from tests.studies.samples import TPE

TRIALS = 60
SAMPLERS = {
    "ours": None,
    "TPE": TPE,
    "GP": GP,
    "NSGA-II": {"class_path": "optuna.samplers.NSGAIISampler", "init_args": {"population_size": 10}},
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_a_sampler_comes_to_propose_what_keeps_the_limits(
    tmp_path: Path, sampler: dict[str, Any] | None
) -> None:
    """More of what it proposes keeps the limits than of the quasi-random trials, though breaking them pays.

    Of the joint model the first proposals count: it comes to try the rest once it has found the best.
    """
    ledger = searched(open_database(f"sqlite:///{tmp_path}/tuner.db"), sampler, TRIALS)
    records = ledger.records()
    drawn = [not record.broken for record in records if record.explores]
    proposed = [not record.broken for record in records if not record.explores]
    proposed = proposed[:15] if sampler is None else proposed[-15:]
    assert sum(proposed) / len(proposed) > sum(drawn) / len(drawn)
