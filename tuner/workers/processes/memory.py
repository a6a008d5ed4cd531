"""How often the kernel has killed a process of ours because the memory was full."""

import re
from pathlib import Path

from tuner.workers.processes.control_group import GROUPS, file_of_group

# Each file counts for the control group that it stands in.
_EVENTS = "/sys/fs/cgroup{group}/memory.events"
_OLDER = "/sys/fs/cgroup/memory{group}/memory.oom_control"


def count_kills(groups: Path = GROUPS, events: str = _EVENTS) -> int:
    """Read the counter of the control group that this process belongs to; 0 where there is none.

    Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst`, `memory.events`, and `oom_kill` of
    version 1's `memory.oom_control`.

    Args:
        groups: the file that names the control groups of this process.
        events: where the counter of a control group stands, `{group}` being its path.
    """
    file = file_of_group(events, _OLDER, "memory", groups)
    found = file and re.search(r"^oom_kill (\d+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) if found else 0
