"""The analysis of a study for its pages: made in a process of its own, kept, made anew as trials are told.

It takes seconds to minutes of one core, so no page waits for it: a page shows the last one and says of how
many trials it is. It begins when somebody looks, at a low priority, one study at a time, and takes at most a
tenth of a core where somebody looks all the time.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from search_spaces.errors import first_line
from studies.report.parts import Part
from tuner.training.process.parent import die_with_parent
from tuner.workers.processes.quiet import silence

MOST = 3000  # told trials of a study that is analysed for its page; more take minutes to hours
REST = 9.0  # times as long as it took nothing is made anew
KEPT = 50  # analyses that are kept
LONGEST = 900.0  # seconds of one analysis
DRAWN = 1500  # trials that the figures of a section show
_NICE = 10


@dataclass(frozen=True)
class Drawn:
    """A figure of a section as SVG; `columns` is how many of its kind stand side by side."""

    svg: str
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class DrawnGrid:
    """Figures side by side."""

    figures: Sequence[Drawn]
    is_wide: bool = False


ShownPart = Part | Drawn | DrawnGrid
Sections = Sequence[tuple[str, Sequence[ShownPart]]]


@dataclass(frozen=True)
class Analysis:
    """The sections of a report as of so many told trials and `repeats` of the best on fresh seeds.

    `short` is the section that answers in short. `trouble` says in a sentence why there are none.
    """

    told: int
    repeats: int = 0
    sections: Sections = ()
    short: Sequence[ShownPart] = ()
    trouble: str | None = None
    seconds: float = 0.0
    made: float = 0.0


@dataclass(eq=False)
class Analyses:
    """The analyses of the studies of a database."""

    url: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: dict[object, Analysis] = field(default_factory=dict)
    _asked: set[object] = field(default_factory=set)
    _queue: "queue.Queue[tuple[object, str, int, int]]" = field(default_factory=queue.Queue)
    _thread: threading.Thread | None = None

    def of(self, key: object, name: str, told: int, repeats: int) -> tuple[Analysis | None, bool]:
        """Give the last analysis of a study, and whether another one is being made or waits for its turn.

        Args:
            key: what tells the study from any other that had or will have its name.
            name: the study's.
            told: how many of its trials have ended.
            repeats: how many trials on fresh seeds there are of its best.
        """
        with self._lock:
            made = self._made.get(key)
            if key not in self._asked and told and _is_due(made, told, repeats):
                if told > MOST:
                    self._keep(key, Analysis(told, trouble=_too_many(name, told), made=time.monotonic()))
                    return self._made[key], False
                self._asked.add(key)
                self._queue.put((key, name, told, repeats))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._make_all, name="analyses", daemon=True)
                    self._thread.start()
            return made, key in self._asked

    def made(self, key: object) -> tuple[int, bool]:
        """Say of how many trials the last analysis of a study is, and whether another one is being made."""
        with self._lock:
            known = self._made.get(key)
            return (-1 if known is None else known.told), key in self._asked

    def _make_all(self) -> None:
        while True:
            key, name, told, repeats = self._queue.get()
            began = time.monotonic()
            found = _in_process_of_its_own(self.url, name)
            now = time.monotonic()
            with self._lock:
                self._keep(
                    key,
                    replace(found, told=found.told or told, repeats=repeats, seconds=now - began, made=now),
                )
                self._asked.discard(key)

    def _keep(self, key: object, made: Analysis) -> None:
        self._made.pop(key, None)
        self._made[key] = made
        while len(self._made) > KEPT:
            del self._made[next(iter(self._made))]


def _is_due(made: Analysis | None, told: int, repeats: int) -> bool:
    if made is None:
        return True
    is_older = (told, repeats) != (made.told, made.repeats)
    return is_older and time.monotonic() - made.made >= REST * made.seconds


def _too_many(name: str, told: int) -> str:
    return f"Analysing {told} trials takes too long for a page; `tuner report {name}` writes it into a file."


def _in_process_of_its_own(url: str, name: str) -> Analysis:
    """Analyse a study where it takes neither the memory nor the time of the server."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_analyse, args=(there, url, name), daemon=True)
    process.start()
    there.close()
    try:
        late = Analysis(0, trouble=f"It took longer than {LONGEST / 60:.0f} minutes, so it was ended.")
        found = here.recv() if here.poll(LONGEST) else late
    except EOFError:
        found = Analysis(0, trouble="The process that analysed the study ended without an answer.")
    process.kill()  # nothing, where it has ended
    process.join()
    return found if isinstance(found, Analysis) else Analysis(0, trouble=str(found))


def _analyse(answer: Connection, url: str, name: str) -> None:
    """Analyse a study, and send the sections; an error as a sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process as well
    die_with_parent()
    os.nice(_NICE)
    silence()
    try:
        answer.send(analyse(url, name))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one study is said on its page
        answer.send(
            Analysis(0, trouble=f"It could not be made: {type(error).__name__}: {first_line(error)}.")
        )


def analyse(url: str, name: str) -> Analysis:
    """Analyse a study as its report does, and draw what each section shows.

    Raises:
        UnknownStudy, UnusableStudy: it is gone, or damaged.
    """
    from studies.database.identity import LEDGER
    from studies.database.open import open_database
    from studies.errors import CopiedStudy
    from studies.ledger.opening import find_study, ledger_of
    from studies.report.investigation import investigate
    from studies.report.section import Material, all_sections, shown
    from studies.report.sections import curves, progress, trials
    from studies.report.sections.decisions import in_short
    from studies.report.subject import subject_of_ledger, subject_of_study
    from tuner.web.pages.drawing.figures import thinned

    database = open_database(url, reading=True)
    study = find_study(database, name)
    try:
        is_ours = LEDGER in study.user_attrs
        subject = subject_of_ledger(ledger_of(database, study)) if is_ours else subject_of_study(study)
    except CopiedStudy:
        subject = subject_of_study(study)
    told = sum(trial.outcome is not None for trial in subject.trials)
    found = investigate(subject, progress=lambda _: None)
    drawn = replace(subject, trials=thinned(subject.trials, minimizes=subject.minimizes, most=DRAWN))
    material = Material(drawn, found)
    left_out: list[Any] = [curves, progress, trials, in_short]  # the page of the study shows these itself
    chosen = [section for section in all_sections() if section not in left_out]
    short: list[Any] = [in_short]
    return Analysis(
        told,
        sections=[(title, _drawn(parts)) for title, parts in shown(material, chosen)],
        short=[part for _, parts in shown(material, short) for part in _drawn(parts)],
    )


def _drawn(parts: Sequence[Part]) -> list[ShownPart]:
    from studies.report.drawing.svg import draw_svg
    from studies.report.parts import Figure, Grid

    found: list[ShownPart] = []
    for part in parts:
        if isinstance(part, Figure):
            found.append(Drawn(draw_svg(part.figure, 760), part.title, part.note))
        elif isinstance(part, Grid):
            width = 480 if part.is_wide else 320
            figures = [Drawn(draw_svg(one.figure, width), one.title, one.note) for one in part.figures]
            found.append(DrawnGrid(figures, part.is_wide))
        else:
            found.append(part)
    return found
