"""Giving way to other processes, of this session and of others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os
from pathlib import Path
from tuner.workers.processes.priority import give_way
give_way(4)
print(os.nice(0), Path("/proc/self/autogroup").read_text().split()[-1])
"""


@pytest.mark.parametrize("session", [True, False])
def test_a_session_gives_way_as_a_whole_where_it_is_ours_alone(*, session: bool) -> None:
    """A process that began its session lowers the session, any other itself alone."""
    autogroup = Path("/proc/self/autogroup")
    before = autogroup.read_text().split()[-1:] if autogroup.exists() else []
    if not before:
        pytest.skip("this system does not share the processor between sessions")
    ended = subprocess.run(
        [sys.executable, "-c", CODE], check=True, capture_output=True, text=True, start_new_session=session
    )
    own, shared = ended.stdout.split()
    assert int(own) == min(os.nice(0) + 4, 19)
    assert [shared] == ([own] if session else before)
