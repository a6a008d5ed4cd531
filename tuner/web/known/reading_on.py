"""The trials of large studies are read to their end behind the first page, once somebody has looked."""

import logging
import queue
import threading
import time
from dataclasses import dataclass, field

from studies.database.failures import is_of_database
from studies.database.retry import hurried
from studies.ledger.following import Following
from tuner.web.waiting import at_once

_LOG = logging.getLogger(__name__)
FIRST = 0.08  # seconds that a look at the trials of a large study may take while a page waits for it


@dataclass(eq=False)
class ReadingOn:
    """One thread that reads; it rests as long as it reads, so that pages and workers come through."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _queue: "queue.Queue[Following | None]" = field(default_factory=queue.Queue)
    _begun: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, following: Following) -> None:
        """Read what is left of a study, once."""
        with self._lock:
            if id(following) in self._begun or self._stop.is_set():
                return
            self._begun.add(id(following))
            self._queue.put(following)
            if self._thread is None:
                self._thread = threading.Thread(target=self._read_all, name="reading on", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Read no further."""
        self._stop.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _read_all(self) -> None:
        while (following := self._queue.get()) is not None:
            try:
                with hurried(at_once()):
                    self._read(following)
            except Exception as error:  # noqa: BLE001 - the next study is read whatever is wrong with this one
                if not is_of_database(error):
                    _LOG.warning("The trials of study %d cannot be read.", following.study, exc_info=error)
            finally:  # whoever looks next is told what is wrong, or begins again
                with self._lock:
                    self._begun.discard(id(following))

    def _read(self, following: Following) -> None:
        before = None
        while not self._stop.is_set():
            began = time.monotonic()
            unread = following.look(patience=FIRST).unread
            if not unread or unread == before:
                return
            before = unread
            self._stop.wait(time.monotonic() - began)
