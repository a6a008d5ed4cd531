"""A study file is read in a process of its own, which has torch already, and which an import may end."""

import importlib
import multiprocessing
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from search_spaces.errors import TunerError, first_line
from studies.definition.study import StudyDefinition
from studies.definition.study_file import StudyFile
from studies.errors import StudyFileError
from tuner.training.process.by_value import pack, unpack
from tuner.training.process.changed import forget_changed
from tuner.training.process.entry import say_imports, stand_alone
from tuner.workers.code.imports import REMEDY, heard, own_modules
from tuner.workers.processes.fork_server import end_process, modules_of, started, warm_up


class InOtherProcess(Exception):
    """What a process of its own raised; as a cause it shows the traceback that the process had."""

    def __str__(self) -> str:
        """Give the traceback as a block of its own."""
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class _Rejected:
    """A study file that is refused, and the traceback of what lies behind, if anything does."""

    error: TunerError
    trace: str


@dataclass(frozen=True)
class _Broken:
    """An exception that nobody foresaw."""

    cause: str
    trace: str


def prepare_apart(file: StudyFile) -> StudyDefinition:
    """Make the definition that a study file describes, as `prepare` does, in a process of its own.

    Raises:
        StudyFileError: names the file, the key and the remedy.
        RuntimeError: something that nobody foresaw.
    """
    definition: StudyDefinition = ask_apart(
        "tuner.preparation.prepare.prepare",
        file,
        file.data,
        source=file.source,
        silent="its process ended while the study file was read; look at what its modules do when they "
        f"are asked for their search space, and in a script {REMEDY}.",
    )
    return definition


def ask_apart(work: str, asked: object, named: Mapping[str, Any], *, source: str, silent: str) -> Any:
    """Call a function in a process of its own, where the modules that are named have been imported.

    Args:
        work: the function's import path, which this process does not import.
        asked: what the function is called with.
        named: sections of a study file, whose modules are imported first.
        source: what a message calls the place where they are named.
        silent: what a message says if the process ends without an answer.

    Returns: What the function gives.

    Raises:
        TunerError: what the function raised; StudyFileError where an import ends its process.
        RuntimeError: something that nobody foresaw.
    """
    modules = own_modules(named)
    warm_up(modules_of(named))
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, asked, list(modules), pack(named)))
    stop = threading.Event()  # Ctrl-C raises here
    try:
        started(process, stop)
        theirs.close()
        if (deadly := heard(ours, process, stop)) is not None:
            module, how = deadly
            raise StudyFileError(source, modules[module], f"importing {module} {how}; {REMEDY}.")
        try:
            answer = ours.recv()
        except EOFError:
            key = modules[next(iter(modules))] if modules else ""
            raise StudyFileError(source, key, silent) from None
    finally:
        ours.close()
        theirs.close()
        if process.pid is not None:
            end_process(process)
    match answer:
        case _Rejected(error, trace):
            raise error from (InOtherProcess(trace) if trace else None)
        case _Broken(cause, trace):
            raise RuntimeError(cause) from InOtherProcess(trace)
    return answer


def _work(pipe: Connection, work: str, asked: object, modules: list[str], code: bytes | None) -> None:
    """Import modules one by one, then call a function, and send what comes of it."""
    stand_alone()
    forget_changed()
    if not say_imports(pipe, modules):
        return
    home, _, name = work.rpartition(".")
    answer: object
    try:
        unpack(code)
        answer = getattr(importlib.import_module(home), name)(asked)
    except TunerError as error:
        cause = error.__cause__
        answer = _Rejected(error, "".join(traceback.format_exception(cause)) if cause else "")
    except BaseException as error:  # noqa: BLE001 - a user's module may raise anything
        trace = "".join(traceback.format_exception(error))
        answer = _Broken(f"{type(error).__name__}: {first_line(error)}", trace)
    pipe.send(answer)
