"""A study of four trials, of which one diverged, in a database of its own."""

from pathlib import Path

import pytest

from studies.database.open import open_database
from studies.ledger.ledger import Ledger
from studies.ledger.making import create
from tests.studies.lives import answer
from tests.studies.samples import sample_definition


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give the URL of a database."""
    return f"sqlite:///{tmp_path}/tuner.db"


@pytest.fixture
def ledger(url: str) -> Ledger:
    """Give the study."""
    ledger = create(open_database(url), sample_definition(trials=6), "")
    answer(ledger, [0.5, None, 0.25, 1.0])
    return ledger
