"""What every test can rely on: one thread, repeatable examples, and warnings that are errors."""

import os

from hypothesis import settings

pytest_plugins = ["tests.allowed_warnings", "pytester"]

# Read by torch, NumPy and scikit-learn when they are imported, here and in processes that tests start.
# Two test processes on two cores would otherwise each take both, and the last digits of sums would differ.
os.environ["OMP_NUM_THREADS"] = "1"

# The same examples for everyone, so a red test is red again. A slow machine is no failure: pytest-timeout
# ends a test that hangs.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("repeatable")
