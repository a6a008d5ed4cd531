"""What every test can rely on: one thread, repeatable examples, and warnings that are errors."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.allowed_warnings", "pytester"]

# Read by torch, NumPy and scikit-learn when they are imported, here and in processes that tests start.
# Two test processes on two cores would otherwise each take both, and the last digits of sums would differ.
os.environ["OMP_NUM_THREADS"] = "1"

# The same examples for everyone, so a red test is red again. A slow machine is no failure: pytest-timeout
# ends a test that hangs.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def forget_written_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A module that a test has written is found by no other, which may have one of the same name."""
    before = set(sys.modules)
    yield
    folder = tmp_path_factory.getbasetemp()
    for name in set(sys.modules) - before:
        file = vars(sys.modules[name]).get("__file__")
        if file and Path(file).is_relative_to(folder):
            del sys.modules[name]
