"""What the kernel lets the control group of this process take, such as that of a container."""

from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")  # names the control groups of this process
ROOT = Path("/sys/fs/cgroup")


def file_of_group(pattern: str, older: str, controller: str, groups: Path = GROUPS) -> Path | None:
    """Find a file of the control group that this process stands in; None where there is none.

    Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst`.

    Args:
        pattern: the path of the file, `{group}` being that of the group; a container has its own at the root.
        older: the same in version 1.
        controller: whose file it is in version 1.
        groups: the file that names the control groups of this process.
    """
    return next((file for file in _files(pattern, older, controller, groups) if file.exists()), None)


def _files(pattern: str, older: str, controller: str, groups: Path) -> Iterator[Path]:
    if not groups.exists():
        return
    for line in groups.read_text(encoding="utf-8").splitlines():
        number, controllers, group = line.split(":", 2)
        form = pattern if number == "0" else older if controller in controllers.split(",") else None
        if form is not None:
            yield from (Path(form.format(group=place)) for place in (group.rstrip("/"), ""))


def allowed_memory(groups: Path = GROUPS, root: Path = ROOT) -> int | None:
    """Give the bytes that the processes of the group may take together; None where nothing limits them."""
    limit = f"{root}/memory{{group}}/memory.limit_in_bytes"
    file = file_of_group(f"{root}{{group}}/memory.max", limit, "memory", groups)
    text = "max" if file is None else file.read_text(encoding="utf-8").strip()
    return int(text) if text.isdigit() and int(text) < 2**60 else None  # version 1 writes no limit as 2**63


def allowed_cores(groups: Path = GROUPS, root: Path = ROOT) -> float | None:
    """Give how many cores the processes of the group may take together; None where nothing limits them."""
    quota = f"{root}/cpu{{group}}/cpu.cfs_quota_us"
    file = file_of_group(f"{root}{{group}}/cpu.max", quota, "cpu", groups)
    if file is None:
        return None
    words = file.read_text(encoding="utf-8").split()
    if file.name == "cpu.cfs_quota_us":
        words.append((file.parent / "cpu.cfs_period_us").read_text(encoding="utf-8").strip())
    most, period = words
    return int(most) / int(period) if most.isdigit() else None  # `max`, or -1
