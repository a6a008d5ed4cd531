"""The note and the figures of the studies that somebody looks at, made anew as they go on.

One thread looks every second which studies were asked for lately. A note costs reading what is new of the
study, so it is made anew after twenty times what that took.
"""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from studies.database.failures import is_of_database
from studies.database.identity import names
from studies.database.retry import hurried
from studies.errors import StorageError
from studies.running.confirmation import chosen
from tuner.results.dashboard_note import note_text
from tuner.web.beside.drawing import drawn_note
from tuner.web.beside.shown import ShownStorage
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known
from tuner.web.waiting import at_once

LOOK = 1.0  # seconds between two looks
LOOKED_AT = 60.0  # seconds after the last request for which a study counts as looked at
_LOG = logging.getLogger(__name__)
_LEAST_PAUSE, _COSTS = 10.0, 20  # seconds between two notes at least, and how often what one cost


class Refreshing:
    """Makes notes and figures while it is entered."""

    def __init__(
        self, known: Known, analyses: Analyses, storage: ShownStorage, link: Callable[[str], str]
    ) -> None:
        """Take the storage to show; `link` gives the address of our page of a study."""
        self._known, self._analyses, self._storage, self._link = known, analyses, storage, link
        self._due: dict[int, float] = {}  # when the note of a study is made anew, by the monotonic clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="refreshing")

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(LOOK):
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        lately = [number for number, at in list(self._storage.asked.items()) if now - at < LOOKED_AT]
        for number in lately:
            if now >= self._due.get(number, 0.0) and not self._stop.is_set():
                self._refresh(number)

    def _refresh(self, number: int) -> None:
        began = time.monotonic()
        try:
            with hurried(at_once()):
                self._draw_or_forget(number)
        except Exception as error:  # noqa: BLE001 - whatever one study's rows hold, the others have their notes
            pause = _LEAST_PAUSE
            if not (is_of_database(error) or isinstance(error, StorageError)):
                pause = LOOKED_AT
                _LOG.warning("The note of study %d could not be made.", number, exc_info=error)
        else:
            pause = max(_LEAST_PAUSE, _COSTS * (time.monotonic() - began))
        self._due[number] = began + pause

    def _draw_or_forget(self, number: int) -> None:
        try:
            self._draw(number)
        except Exception:
            if number in names(self._known.database.engine):
                raise
            # It was deleted, and its number may be given to another study.
            self._storage.asked.pop(number, None)
            self._storage.drawn = {key: drawn for key, drawn in self._storage.drawn.items() if key != number}

    def _draw(self, number: int) -> None:
        storage = self._known.database.storage
        study = self._known.study(storage.get_study_name_from_id(number))
        lines = study.lines()
        status = study.status(lines)
        if study.ledger is None or status is None:  # another program's, which has no slots to tell of
            return
        analysis, _ = self._analyses.of(study, lines.told, self._known.candidates(study, lines))
        verdict, figures = ((), {}) if analysis is None else (analysis.verdict, analysis.figures)
        more = f"[Everything about this study]({self._link(study.name)})."
        note = note_text(study.ledger, status, chosen(study.ledger), verdict, more)
        shown = {**drawn_note(storage, study.name, note), **figures}
        self._storage.drawn = {**self._storage.drawn, number: shown}
