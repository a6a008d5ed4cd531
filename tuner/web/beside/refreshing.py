"""The note and the figures of the studies that somebody looks at, made anew as they go on.

One thread looks every second which studies were asked for lately. A note costs reading the study, so it is
made anew after twenty times what that took. An analysis runs in a process of its own, one at a time, again
where the study has a tenth more trials, and after twenty times what it took.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from studies.database.failures import is_of_database
from studies.database.retry import hurried
from studies.ledger.opening import open_ledger
from studies.ledger.status import status_of
from studies.running.confirmation import chosen
from tuner.results.dashboard_note import note_text
from tuner.web.beside.analysis import Analysis
from tuner.web.beside.drawing import drawn
from tuner.web.beside.shown import ShownStorage
from tuner.web.site import Site
from tuner.web.waiting import at_once

LOOK = 1.0  # seconds between two looks
LOOKED_AT = 60.0  # seconds after the last request for which a study counts as looked at
_LEAST_PAUSE, _COSTS = 10.0, 20  # seconds between two notes at least, and how often what one cost
_MORE, _REST = 1.1, 20  # times as many trials as were analysed, after how often what that took


@dataclass
class _Known:
    """What is known of one study."""

    due: float = 0.0  # when its note is made anew, by the monotonic clock
    analysed: int = 0  # with how many trials that had ended
    rested: float = 0.0  # when the next analysis may begin, by the same clock
    found: dict[str, Any] = field(default_factory=lambda: {"verdict": [], "figures": {}})


class Refreshing:
    """Makes notes and figures while it is entered."""

    def __init__(self, site: Site, storage: ShownStorage, link: Callable[[str], str]) -> None:
        """Take the storage to show; `link` gives the address of our page of a study."""
        self._site, self._storage, self._link = site, storage, link
        self._known: dict[int, _Known] = {}
        self._analysis: Analysis | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="refreshing")

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and the analysis that runs with it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(LOOK):
                self._look()
        finally:
            if self._analysis is not None:
                self._analysis.end()

    def _look(self) -> None:
        self._collect()
        now = time.monotonic()
        lately = [number for number, at in list(self._storage.asked.items()) if now - at < LOOKED_AT]
        for number in lately:
            known = self._known.setdefault(number, _Known())
            if now >= known.due and not self._stop.is_set():
                self._refresh(number, known)

    def _refresh(self, number: int, known: _Known) -> None:
        began = time.monotonic()
        try:
            with hurried(at_once()):
                self._draw(number, known)
        except Exception as error:  # noqa: BLE001 - whatever one study's rows hold, the others have their notes
            is_away = is_of_database(error)
            known.due = began + (_LEAST_PAUSE if is_away else LOOKED_AT)
            return
        took = time.monotonic() - began
        known.due = began + max(_LEAST_PAUSE, _COSTS * took)

    def _draw(self, number: int, known: _Known) -> None:
        storage = self._site.database.storage
        name = storage.get_study_name_from_id(number)
        ledger = open_ledger(self._site.database, name)
        status = status_of(ledger)
        ended = sum(count for kind, count in status.trials.items() if kind not in {"running", "waiting"})
        is_rested = time.monotonic() >= known.rested
        if self._analysis is None and is_rested and ended and ended >= _MORE * known.analysed:
            self._analysis = Analysis(self._site.url, number, name, ended)
        more = f"[Everything about this study]({self._link(name)})."
        note = note_text(ledger, status, chosen(ledger), known.found["verdict"], more)
        shown = drawn(storage, name, note, known.found["figures"])
        self._storage.drawn = {**self._storage.drawn, number: shown}

    def _collect(self) -> None:
        """Take what an analysis has found, once it has ended."""
        analysis = self._analysis
        if analysis is None or not analysis.is_over:
            return
        self._analysis = None
        known, found = self._known[analysis.study], analysis.end()
        known.analysed = analysis.trials  # an analysis that failed would fail again
        known.rested = time.monotonic() + _REST * (time.monotonic() - analysis.since)
        if found is not None:
            known.found = found
            known.due = 0.0
