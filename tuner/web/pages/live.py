"""What changes, as server-sent events: a short text that differs from the one before when a page would.

A browser that hears another text asks for its page again and takes over the parts that differ. However many
listen, the database is asked once in `PAUSE` seconds for each study. The next text comes `COSTS` times as
long after the last one as it took a processor to make the pages that were asked for since, so keeping pages
up to date takes one part in so many of a processor at most, whoever looks at what.
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
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from studies.database.failures import is_of_database
from studies.database.trial_rows import read_lengths
from studies.errors import StorageError, UnknownStudy
from studies.running.confirmation import SUFFIX
from tuner.web.known.analysing import Analyses
from tuner.web.known.studies import Known, KnownStudy

PAUSE = 2.0  # seconds between two looks
COSTS = 20.0  # how often what the pages of a version took passes before the next one
LONGEST = 30.0  # seconds between two versions, whatever a page took
AWAY = 5.0  # seconds between two looks at a database that is away
FIRST_STUDIES = 25  # whose changes the list of studies hears of


@dataclass
class _Version:
    """The last text of a study, since when, when it was looked for, and seconds that its pages took."""

    text: str
    since: float
    looked: float
    spent: float = 0.0

    def rests(self, now: float) -> bool:
        pause = min(max(0.8 * PAUSE, COSTS * self.spent), LONGEST)
        return now - self.looked < 0.8 * PAUSE or now - self.since < pause


@dataclass(eq=False)
class Versions:
    """What stands for the state of a study, of the list of studies, and of the workers.

    Attributes:
        known: the studies.
        analyses: of them.
        clock: gives the time in seconds.
    """

    known: Known
    analyses: Analyses
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str | None, _Version] = field(default_factory=dict)

    def of(self, name: str | None) -> str:
        """Give the version of a study, or of all; one that is younger than a pause is given again.

        Raises:
            UnknownStudy: there is none of that name.
        """
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.rests(self.clock()):
                return kept.text
            text = self._of_all() if name is None else self._of_study(self.known.study(name))
            now = self.clock()
            if kept is not None and kept.text == text:
                kept.looked = now
            else:
                self._kept[name] = _Version(text, now, now)
            return text

    def took(self, name: str | None, seconds: float) -> None:
        """Note how long a processor took to make a page of a study, or of all."""
        with self._lock:
            if (kept := self._kept.get(name)) is not None:
                kept.spent += seconds

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
        counts = (len(lines.all), lines.told, lines.unread)
        parts = (study.key, *counts, sum(lengths.values()), slots, repeats, told, runs)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    def _of_all(self) -> str:
        there = self.known.all()
        looked = [(study.lines(), study.key) for study in there[:FIRST_STUDIES]]
        fleet = self.known.fleet().workers
        workers = [(each.worker.identifier, each.state, each.worker.claims) for each in fleet]
        counts = [(key, len(lines.all), lines.told, lines.unread) for lines, key in looked]
        return f"{hash((tuple(counts), tuple(workers))):x}"


def events_of(versions: Versions) -> Route:
    """Give the route at which changes are heard: `events`, or `events?study=NAME`."""

    async def events(request: Request) -> Response:
        if request.method == "HEAD":  # the stream would go on for ever, and nothing of it be sent
            return StreamingResponse((), media_type="text/event-stream")
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
            if not (is_of_database(error) or isinstance(error, StorageError)):
                raise
            yield ServerSentEvent("away", event="away")
            last, pause = None, AWAY
        await sleep(pause)
