"""A user's modules are imported first in a process of their own, because an import may end its process."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any

from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile
from studies.errors import StudyFileError
from tuner.training.process.by_value import HOME
from tuner.training.process.entry import try_imports
from tuner.workers.code.named import KNOWN, find_module, module_of
from tuner.workers.processes.fork_server import TICK, end_process, modules_of, started, warm_up

CHOOSING = ("sampler", "pruner")  # sections whose classes are made before PyTorch is needed
_SECTIONS = (
    "cli",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    *CHOOSING,
)  # where a text may stand for a class
_CLASS_PATH = "class_path"
_OURS = "tuner"
REMEDY = 'put what runs by itself under `if __name__ == "__main__":`'


def refuse_deadly(file: StudyFile, sections: tuple[str, ...]) -> None:
    """Refuse a study file if the import of a module that it names ends the process that imports it.

    Args:
        file: the study file.
        sections: those that are looked at.

    Raises:
        StudyFileError: names the key, the module and how its process ended.
    """
    modules = own_modules({key: part for key, part in file.data.items() if key in sections})
    if not modules:
        return
    warm_up(modules_of(file.data))
    found = _first_deadly(modules, threading.Event())
    if found is not None:
        key, reason = found
        raise StudyFileError(file.source, key, f"{reason}; {REMEDY}.")


def deadly(definition: StudyDefinition, stop: threading.Event, warms_up: Callable[[], None]) -> str | None:
    """Say which import of a study cannot be done here, as the end of a sentence; None where all can.

    It ends the process that does it, or it is of a module of ours that this version does not have.

    Args:
        definition: the study.
        stop: is set to end at once; then nothing is known.
        warms_up: starts the fork server, with what may be imported there.
    """
    if (moved := _moved(definition)) is not None:
        return moved
    modules = own_modules(definition.to_data())
    if not modules:
        return None
    warms_up()
    found = _first_deadly(modules, stop)
    return None if found is None else f"{found[1]}; {REMEDY}"


def _moved(definition: StudyDefinition) -> str | None:
    """Say which module of ours a study names that this version does not have, as the end of a sentence."""
    for _, path in _class_paths(definition.to_data(), ""):
        module = path.rpartition(".")[0]
        if module.partition(".")[0] == _OURS and not find_module(module)[1]:
            return (
                f"it was made by a version of interplay-tuner that had {path}, and this one has no module "
                f"{module}; make the study again from its file, under another name"
            )
    return None


def own_modules(data: Mapping[str, Any]) -> dict[str, str]:
    """Give the modules in which classes are named, those of known libraries aside, each with its key."""
    found: dict[str, str] = {}
    for key, path in _class_paths(data, ""):
        module = module_of(path)
        if module and module.partition(".")[0] not in (*KNOWN, HOME):
            found.setdefault(module, key)
    return found


def _class_paths(data: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, Mapping):
        for name, part in data.items():
            yield from _class_paths(part, f"{key}.{name}".lstrip("."))
    elif isinstance(data, list | tuple):
        for part in data:
            yield from _class_paths(part, key)
    elif isinstance(data, str) and (key in _SECTIONS or _CLASS_PATH in key.split(".")):
        yield key, data


def _first_deadly(modules: Mapping[str, str], stop: threading.Event) -> tuple[str, str] | None:
    """Import modules in a process of its own; give the key of the one that ended it, and how."""
    if not modules:
        return None
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=try_imports, args=(theirs, list(modules)))
    try:
        if not started(process, stop):
            return None
        theirs.close()
        found = heard(ours, process, stop)
    except (OSError, EOFError):
        return None  # the fork server was ended; whoever needs it next says so
    finally:
        ours.close()
        theirs.close()
        if process.pid is not None:
            end_process(process)
    return None if found is None else (modules[found[0]], f"importing {found[0]} {found[1]}")


def heard(pipe: Connection, process: ForkServerProcess, stop: threading.Event) -> tuple[str, str] | None:
    """Hear which module is imported, until all are, or a process ends; give that module, and how it ended."""
    module = ""
    while not stop.is_set():
        if not wait([pipe, process.sentinel], TICK):
            continue
        try:
            message = pipe.recv() if pipe.poll() else None  # what was started by it may hold the pipe open
        except EOFError:
            message = None
        if message is None:
            process.join(TICK)
            return (module, _how(process.exitcode)) if module else None
        module, cause = message
        if cause or not module:
            return (module, f"ends the program by {cause}") if module else None
    return None


def _how(code: int | None) -> str:
    if code is None:
        return "cuts the process that imports it off"
    if code < 0:
        return f"ends the process that imports it by {signal.Signals(-code).name}"
    return f"ends the process that imports it with exit code {code}"
