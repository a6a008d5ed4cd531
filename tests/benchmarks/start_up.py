"""What it costs to start commands that need torch: seconds of the processor and of the clock.

The first is what the command itself uses, as a shell's `time` tells it; the second adds every process that it
has started, the fork server with its imports among them.
"""

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = ("--help", "validate digits", "create digits", "create digits --no-rehearsal --name other")
PR_SET_CHILD_SUBREAPER = 36  # of Linux: processes whose parent ends become ours


def measure(command: str, folder: Path) -> tuple[float, float, float]:
    """Give the processor's seconds of a command, of all its processes, and those of the clock."""
    tuner = str(Path(sys.executable).parent / "tuner")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([tuner, *command.split()], cwd=folder, capture_output=True, check=True)
    seconds, own = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    every = resource.getrusage(resource.RUSAGE_CHILDREN)

    def used(usage: resource.struct_rusage) -> float:
        return usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime

    return used(own), used(every), seconds


def main() -> None:
    """Print a row for each command."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print("| command | its own processor seconds | with all its processes | seconds |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS:
            own, every, seconds = measure(command, Path(folder))
            print(f"| `tuner {command}` | {own:.1f} | {every:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
