"""The fork server that the processes of trainings come from: started once, with what they need imported.

A child of a fork server that has imported torch and Lightning costs some hundredths of a second.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from types import ModuleType
from typing import Any

from tuner.training.configuration.permit import Permit
from tuner.training.messages import PRELOAD

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # which a training leaves to its worker
UNTOLD = 255  # exit code of a process whose fork server was killed
TICK = 0.1  # seconds between two looks at the clock and at whether to leave
_PRELOAD = "tuner.training.process.preload"

_ENDING = 5.0  # seconds that a fork server whose pipe is closed takes at most to end

_served: set[int] = set()  # the processes that have started a fork server
_proven: set[int] = set()  # those whose fork server has started a process


def warm_up(
    modules: Iterable[str] = (),
    configuration: Mapping[str, Any] | None = None,
    permit: Permit | None = None,
) -> None:
    """Start the fork server, unless there is one: it imports in the background, and then once for all.

    Args:
        modules: what to import beside torch and Lightning, such as the user's own modules.
        configuration: one like those that will be trained; it is read, and nothing is made of it.
        permit: what may be read then and later; None allows all.
    """
    # A process that was forked itself needs a server of its own: the one it comes from does not serve it.
    if os.getpid() in _served:
        return
    _served.add(os.getpid())
    needed = sorted({*modules, *_imported_by_main()})
    asked = {"paths": sys.path, "modules": needed, "configuration": configuration, "worker": os.getpid()}
    os.environ[PRELOAD] = json.dumps(asked | ({"permit": asdict(permit)} if permit else {}))
    multiprocessing.get_context("forkserver").set_forkserver_preload([_PRELOAD])
    _ensure_running()


def _ensure_running() -> None:
    """Start a fork server, unless one runs, that ignores signals from its first moment on.

    What Ctrl-C sends to all processes of a terminal would end it with a traceback while Python starts. A
    process inherits which signals are blocked; ours are delivered as soon as they are no longer. Python's
    resource tracker, which the fork server needs, ignores Ctrl-C and SIGTERM by itself, but ends of the
    SIGHUP of a terminal that is closed; then a warning follows, and another tracker. It keeps SIGHUP blocked.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)  # its start has unblocked two of them
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def started(process: ForkServerProcess, stop: threading.Event) -> bool:
    """Start a process; False, and it is not waited for, where `stop` is set before the fork server answers.

    A fork server answers when it has imported torch, which takes seconds. One that ends before its first
    answer has ended of a module that it was to import, and is started again without any: the process that
    needs the module ends of it. A process that begins behind the end of its worker finds its pipe closed.

    Raises:
        OSError: the fork server has ended.
        EOFError: the same.
    """
    warm_up()
    deadline = None if os.getpid() in _proven else time.monotonic() + _ENDING
    while True:
        _ensure_running()  # here, since a fork server ends with the thread that started it
        try:
            is_started = _started(process, stop)
        except (OSError, EOFError):
            if deadline is None or (_preloads_nothing() and time.monotonic() > deadline):
                raise
            if not _preloads_nothing():
                _preload_nothing()
                deadline = time.monotonic() + _ENDING
            time.sleep(TICK)
        else:
            if is_started:
                _proven.add(os.getpid())
            return is_started


def _preloads_nothing() -> bool:
    return not json.loads(os.environ[PRELOAD]).get("modules")


def _preload_nothing() -> None:
    """Have the next fork server import nothing of the user's."""
    asked = json.loads(os.environ[PRELOAD])
    os.environ[PRELOAD] = json.dumps({**asked, "modules": [], "configuration": None})


def _started(process: ForkServerProcess, stop: threading.Event) -> bool:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            process.start()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=start, name="start", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(TICK)
        if stop.is_set() and thread.is_alive():
            return False
    if errors:
        raise errors[0]
    return True


def _imported_by_main() -> set[str]:
    """Name the modules that the main script uses: each child runs the script again, short of its main part.

    Preloading `__main__` is meant for this, but up to Python 3.12 it does nothing (python/cpython#126631).
    """
    script = vars(sys.modules["__main__"]).values()
    modules = {thing.__name__ if isinstance(thing, ModuleType) else _home(thing) for thing in script}
    return modules - {"", "__main__", "builtins"}


def _home(thing: object) -> str:
    home = getattr(thing, "__module__", None)
    return home if isinstance(home, str) else ""


def modules_of(configuration: object) -> set[str]:
    """Name the modules whose classes a configuration names."""
    if isinstance(configuration, Mapping):
        own = str(configuration.get("class_path") or "").rpartition(".")[0]
        return {own} - {""} | {name for part in configuration.values() for name in modules_of(part)}
    if isinstance(configuration, list | tuple):
        return {name for part in configuration for name in modules_of(part)}
    return set()


def end_process(process: ForkServerProcess) -> None:
    """Kill what is left of a process and of those that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join()
    process.close()
