"""A process that ends with the one that began it, however that ended: kill -9 leaves nothing behind.

Linux sends a signal to a process whose parent has died, if the process asks for it. Elsewhere a process
notices only that a pipe is closed.
"""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1  # of prctl(2)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask to be sent a signal when the thread ends that has started this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def let_children_die_too() -> None:
    """Have every process that the main thread forks from now on, such as those of data loaders, end with it.

    Not those that another thread forks: they would end with that thread.
    """
    forking: list[tuple[bool, int]] = []

    def before() -> None:
        forking[:] = [(threading.current_thread() is threading.main_thread(), os.getpid())]

    def in_child() -> None:
        is_by_main, parent = forking[0]
        if is_by_main:
            die_with_parent()
            if os.getppid() != parent:  # the parent has died before we asked
                os._exit(1)

    os.register_at_fork(before=before, after_in_child=in_child)
