"""What a fork server imports, so that its children need not: torch, Lightning, and the user's own modules.

Only a fork server imports this module, by its name. What else it shall import, from where, and a
configuration like those that its children will read, and what they may name, stands in the environment
variable `TUNER_PRELOAD`.
"""

import signal

# First of all: what a terminal or a scheduler sends to a whole group of processes is for the worker, which
# tells the training what to do. Until now they were blocked, see `tuner.workers.processes.fork_server`.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
for _number in SIGNALS:
    signal.signal(_number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

import json
import os

from tuner.training.messages import PRELOAD
from tuner.training.process.parent import die_with_parent

die_with_parent()
_asked = json.loads(os.environ.get(PRELOAD) or "{}")
if _asked.get("worker", os.getppid()) != os.getppid():
    os._exit(1)  # the worker has died before we asked to end with it; importing torch would take seconds

import contextlib
import gc
import importlib
import sys
import threading
import warnings
from types import TracebackType

from tuner.training.configuration.assembly import read
from tuner.training.configuration.permit import Permit, restrict_parsing
from tuner.training.process.changed import note_files
from tuner.training.process.child import PRELOADED_BY_NAME
from tuner.training.process.forkable import holds_gpu

_paths = _asked.get("paths", [])
sys.path[:] = [*_paths, *(entry for entry in sys.path if entry not in _paths)]
_permit = Permit(**_asked["permit"]) if _asked.get("permit") else None
if _permit is not None:
    restrict_parsing(_permit)  # in the children too
for _name in (*PRELOADED_BY_NAME, *_asked.get("modules", ())):
    with contextlib.suppress(BaseException):  # an exit too; the child that needs it will say what is wrong
        importlib.import_module(_name)
if _asked.get("configuration"):
    with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):
        read(_asked["configuration"])
if _asked.get("modules") and (threading.active_count() > 1 or holds_gpu()):
    # Neither threads nor a GPU survive a fork. So begin again, without the modules that started them.
    again = {key: _asked.get(key) for key in ("permit", "worker") if key in _asked}
    os.environ[PRELOAD] = json.dumps({"paths": _paths} | again)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the very command that is running
note_files()  # so that a child notices a module that its user has changed since
# A child that collects garbage would write to, and so copy, every page of what was imported here.
gc.collect()
gc.freeze()


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what ends a child before it knows what to do, unless its worker has gone: nobody waits for it."""
    if not issubclass(kind, EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
