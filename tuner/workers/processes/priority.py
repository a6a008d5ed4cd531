"""Letting other processes go first, also where Linux shares the processor between sessions.

`nice` counts within a session only: with autogroups, which most distributions turn on, each session gets its
share whatever the niceness of its processes (sched(7), "The autogroup feature"). Each training is a session.
"""

import os
from contextlib import suppress
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")  # Linux


def give_way(by: int) -> None:
    """Let other processes go first.

    The session as a whole gives way too where this process began it. Else it is somebody's terminal, whose
    other programs are not ours to slow down.

    Args:
        by: as `nice` counts.
    """
    niceness = os.nice(by)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # there are no autogroups here
            _AUTOGROUP.write_text(str(niceness), encoding="ascii")
