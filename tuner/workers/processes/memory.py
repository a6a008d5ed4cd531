"""How often the kernel has killed a process of ours because the memory was full."""

import re
from pathlib import Path

# Each file counts for the control group that it stands in; a container sees its own at the root.
_EVENTS = "/sys/fs/cgroup{group}/memory.events"
_OLDER = "/sys/fs/cgroup/memory{group}/memory.oom_control"


def count_kills(groups: Path = Path("/proc/self/cgroup"), events: str = _EVENTS) -> int:
    """Read the counter of the control group that this process belongs to; 0 where there is none.

    Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst`, `memory.events`, and `oom_kill` of
    version 1's `memory.oom_control`.

    Args:
        groups: the file that names the control groups of this process.
        events: where the counter of a control group stands, `{group}` being its path.
    """
    if not groups.exists():
        return 0
    for line in groups.read_text(encoding="utf-8").splitlines():
        number, controllers, group = line.split(":", 2)
        pattern = events if number == "0" else _OLDER if "memory" in controllers.split(",") else None
        if pattern is None:
            continue
        for place in (group.rstrip("/"), ""):
            file = Path(pattern.format(group=place))
            if file.exists():
                found = re.search(r"^oom_kill (\d+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                return int(found[1]) if found else 0
    return 0
