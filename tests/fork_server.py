"""The one fork server of a test process, which imports what trials and the contracts' processes need.

Python gives a process one fork server, and it imports what was asked for when it started. So it is
started before the first test that forks, with all that any of them needs; else each of its children would
import for seconds.
"""

import pytest

from tuner.workers.processes.fork_server import warm_up


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> None:
    """Start it, in the background."""
    typical = {
        "model": {"class_path": "tuner.modules.MLPClassifier"},
        "data": {"class_path": "tuner.data.Digits"},
    }
    contracts = ("warm", "processes", "faults", "many_workers")
    warm_up([f"tests.contracts.{name}" for name in contracts], typical)
