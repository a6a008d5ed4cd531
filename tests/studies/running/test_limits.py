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
    """More of its last trials keep the limits than of the quasi-random ones, though breaking them pays."""
    ledger = searched(open_database(f"sqlite:///{tmp_path}/tuner.db"), sampler, TRIALS)
    records = ledger.records()
    drawn = [not record.broken for record in records if record.explores]
    last = [not record.broken for record in records if not record.explores][-15:]
    assert sum(last) / len(last) > sum(drawn) / len(drawn)
