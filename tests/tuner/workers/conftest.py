"""What several tests of workers need."""

from functools import partial
from pathlib import Path

import pytest

from tuner.training.assignment import Assignment
from tuner.workers import desk


@pytest.fixture
def checkpoint_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every training of a worker write a checkpoint after each epoch; the test's folder is entered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(desk, "Assignment", partial(Assignment, every=0.0))
