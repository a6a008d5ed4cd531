"""The analysis of a study: made in a process of its own, kept, made anew as trials are told.

It takes seconds to minutes of one core, so nobody waits for it: a page shows the last one and says of how
many trials it is. It begins when somebody looks at our page of a study or at optuna-dashboard's, at a low
priority, one study at a time, and takes at most a twentieth of a core where somebody looks all the time.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from search_spaces.errors import first_line
from studies.running.confirmation import Candidate
from tuner.training.process.parent import die_with_parent
from tuner.web.known.analysis import Analysis, analyse
from tuner.web.known.studies import KnownStudy
from tuner.workers.processes.priority import give_way
from tuner.workers.processes.quiet import silence

MOST = 3000  # told trials of a study that is analysed here; more take minutes to hours
REST = 19.0  # times as long as it took nothing is made anew
KEPT = 50  # analyses that are kept
LONGEST = 900.0  # seconds of one analysis
_NICE = 10  # as `nice` has it: others go first


@dataclass(eq=False)
class Analyses:
    """The analyses of the studies of a database."""

    url: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: dict[object, Analysis] = field(default_factory=dict)
    _asked: set[object] = field(default_factory=set)
    _queue: "queue.Queue[tuple[KnownStudy, int, int] | None]" = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None
    _process: SpawnProcess | None = None
    _is_closed: bool = False

    def of(
        self, study: KnownStudy, told: int, candidates: Sequence[Candidate]
    ) -> tuple[Analysis | None, bool]:
        """Give the last analysis of a study, and whether another one is being made or waits for its turn.

        Args:
            study: the study.
            told: how many of its trials have ended.
            candidates: its best trials on fresh seeds.
        """
        repeats = sum(len(candidate.repeats) for candidate in candidates)
        with self._lock:
            made = self._made.get(study.key)
            if study.key not in self._asked and told and _is_due(made, told, repeats):
                if told > MOST:
                    made = Analysis(told, repeats, trouble=_too_many(study.name, told), made=time.monotonic())
                    self._keep(study.key, made)
                    return made, False
                self._asked.add(study.key)
                self._queue.put((study, told, repeats))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._make_all, name="analyses", daemon=True)
                    self._thread.start()
            return made, study.key in self._asked

    def made(self, study: KnownStudy) -> tuple[int, bool]:
        """Say of how many trials the last analysis of a study is, and whether another one is being made."""
        with self._lock:
            known = self._made.get(study.key)
            return (-1 if known is None else known.told), study.key in self._asked

    def close(self) -> None:
        """End the analysis that runs, and begin no other."""
        with self._lock:
            self._is_closed = True
            self._queue.put(None)
            if self._process is not None:
                self._process.kill()  # nothing, where it has ended

    def _make_all(self) -> None:
        while (asked := self._queue.get()) is not None:
            study, told, repeats = asked
            began = time.monotonic()
            found = self._in_process_of_its_own(study.name)
            now = time.monotonic()
            with self._lock:
                found = replace(found, told=told, repeats=repeats, seconds=now - began, made=now)
                self._keep(study.key, found)
                self._asked.discard(study.key)

    def _keep(self, key: object, made: Analysis) -> None:
        self._made.pop(key, None)
        self._made[key] = made
        while len(self._made) > KEPT:
            del self._made[next(iter(self._made))]

    def _in_process_of_its_own(self, name: str) -> Analysis:
        """Analyse a study where it takes neither the memory nor the time of the server."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_analyse, args=(there, self.url, name), daemon=True)
        with self._lock:
            if self._is_closed:
                return Analysis(trouble="The dashboard has ended.")
            process.start()
            self._process = process
        there.close()
        try:
            if here.poll(LONGEST):
                found: Analysis = here.recv()
            else:
                found = Analysis(trouble=f"It took longer than {LONGEST / 60:.0f} minutes, so it was ended.")
        except EOFError:
            found = Analysis(trouble="The process that analysed the study ended without an answer.")
        process.kill()
        process.join()
        return found


def _is_due(made: Analysis | None, told: int, repeats: int) -> bool:
    if made is None:
        return True
    is_older = (told, repeats) != (made.told, made.repeats)
    return is_older and time.monotonic() - made.made >= REST * made.seconds


def _too_many(name: str, told: int) -> str:
    return f"Analysing {told} trials takes too long for a page; `tuner report {name}` writes it into a file."


def _analyse(answer: Connection, url: str, name: str) -> None:
    """Analyse a study, and send what was found; an error as a sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process as well
    die_with_parent()
    os.setsid()  # else it shares what the server gets
    give_way(_NICE)
    silence()
    warnings.simplefilter("ignore")
    try:
        answer.send(analyse(url, name))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one study is said on its page
        answer.send(Analysis(trouble=f"It could not be made: {type(error).__name__}: {first_line(error)}."))
