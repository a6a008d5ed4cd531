"""Where the processes of a worker begin. A worker names these functions without importing torch for them."""

import importlib
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection

from tuner.errors import NotAllowed
from tuner.training.configuration.permit import Permit
from tuner.training.messages import Start
from tuner.training.process.parent import die_with_parent, let_children_die_too


def enter(pipe: Connection, start: Start) -> None:
    """Train as one process of an start, and send how it ended."""
    from tuner.training.process.child import answer

    answer(pipe, start)


def judge(pipe: Connection, permit: Permit, paths: Sequence[str]) -> None:
    """Judge classes by their import paths, and send why one is refused, or None.

    Nothing is sent where an import fails otherwise.
    """
    stand_alone()
    try:
        permit.judge(paths)
    except NotAllowed as error:
        pipe.send(str(error))
    else:
        pipe.send(None)


def try_imports(pipe: Connection, modules: Sequence[str]) -> None:
    """Import modules, and send of each that it is imported now, and what ends the program where that does.

    An error is not sent: whoever imports the module next tells it. An empty name says that all have been
    imported.
    """
    stand_alone()
    say_imports(pipe, modules)


def say_imports(pipe: Connection, modules: Sequence[str]) -> bool:
    """Do as `try_imports` in this process; False where an import ended the program."""
    for module in modules:
        pipe.send((module, ""))
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001, S112 - any module may raise anything
            continue
        except BaseException as error:  # noqa: BLE001 - a SystemExit, or what Ctrl-C raises
            pipe.send((module, f"{type(error).__name__}: {error}".rstrip(": ")))
            return False
    pipe.send(("", ""))
    return True


def stand_alone() -> None:
    """Be a process that prints nothing, and that ends with its parent and with all that it has started."""
    os.setsid()
    die_with_parent()
    let_children_die_too()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what an import prints is kept where it is trained
        os.dup2(nowhere, stream)
