"""What changes, as server-sent events: a short text that differs from the one before when a page would.

A browser that hears another text asks for its page again and takes over the parts that differ. However many
listen, the database is asked once in `PAUSE` seconds for each study.
"""

import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256

from anyio import sleep
from anyio.to_thread import run_sync
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.routing import Route

from studies.database.failures import is_of_database
from studies.database.trial_rows import read_lengths
from studies.errors import UnknownStudy
from studies.running.confirmation import SUFFIX
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known, KnownStudy

PAUSE = 2.0  # seconds between two looks
AWAY = 5.0  # seconds between two looks at a database that is away
FIRST_STUDIES = 25  # whose changes the list of studies hears of


@dataclass(eq=False)
class Versions:
    """What stands for the state of a study, of the list of studies, and of the workers."""

    known: Known
    analyses: Analyses
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str, tuple[float, str]] = field(default_factory=dict)

    def of(self, name: str | None) -> str:
        """Give the version of a study, or of all; one that is younger than a pause is given again.

        Raises:
            UnknownStudy: there is none of that name.
        """
        key = "" if name is None else f"/{name}"
        with self._lock:
            at, text = self._kept.get(key, (-1e9, ""))
            if time.monotonic() - at < 0.8 * PAUSE:
                return text
            text = self._of_all() if name is None else self._of_study(self.known.study(name))
            self._kept[key] = (time.monotonic(), text)
            return text

    def _of_study(self, study: KnownStudy) -> str:
        """Give the version of a study: its trials, the lengths of curves that grow, repeats, analysis."""
        lines = study.lines()
        lengths = read_lengths(study.database.engine, [line.key for line in lines.running])
        told, runs = self.analyses.made(study)
        status = study.status(lines)
        slots = (
            None if status is None else (status.done, status.slots, status.stopped, *status.trials.values())
        )
        again = study.name + SUFFIX
        repeats = self.known.study(again).lines().told if self.known.holds(again) else 0
        parts = (len(lines.all), lines.told, lines.unread, sum(lengths.values()), slots, repeats, told, runs)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    def _of_all(self) -> str:
        there = self.known.all()
        looked = [study.lines() for study in there[:FIRST_STUDIES]]
        fleet = self.known.fleet().workers
        workers = [(each.worker.identifier, each.state, each.worker.claims) for each in fleet]
        counts = [(len(lines.all), lines.told, lines.unread) for lines in looked]
        return f"{hash((tuple(counts), tuple(workers))):x}"


def events_of(versions: Versions) -> Route:
    """Give the route at which changes are heard: `events`, or `events?study=NAME`."""

    async def events(request: Request) -> EventSourceResponse:
        name = request.query_params.get("study")
        return EventSourceResponse(_changes(lambda: versions.of(name)), ping=20)

    return Route("/events", events)


async def _changes(version: Callable[[], str]) -> AsyncIterator[ServerSentEvent]:
    last = None
    while True:
        pause = PAUSE
        try:
            text = await run_sync(version)
            if text != last:
                yield ServerSentEvent(text, event="change")
                last = text
        except UnknownStudy:
            yield ServerSentEvent("gone", event="gone")
            return
        except Exception as error:
            if not is_of_database(error):
                raise
            yield ServerSentEvent("away", event="away")
            last, pause = None, AWAY
        await sleep(pause)
