"""Pages that several people look at are made once: one that is as it was a moment ago is sent again."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from tuner.web.pages.live import Versions

MOST = 64  # pages that are kept
AGE = 5.0  # seconds for which a page may be sent again; it says how long ago things were


@dataclass(frozen=True)
class _Kept:
    version: str
    at: float
    body: bytes
    media_type: str | None


@dataclass(eq=False)
class Shared:
    """The pages that were made last, each by its whole address and for one version of what it shows."""

    versions: Versions
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[tuple[str, ...], threading.Lock] = field(default_factory=dict)
    _kept: dict[tuple[str, ...], _Kept] = field(default_factory=dict)

    def answer(self, make: Callable[[Request], Response], request: Request) -> Response:
        """Give a page, made anew where what it shows has changed.

        Raises:
            Exception: what making it raises.
        """
        name = request.path_params.get("name")
        version = self.versions.of(name)
        address = (request.scope.get("root_path", ""), request.url.path, request.url.query)
        with self._lock:
            lock = self._locks.setdefault(address, threading.Lock())
            if len(self._locks) > MOST:
                self._locks = {address: lock}
        with lock:  # whoever comes meanwhile waits for the same page
            kept = self._kept.get(address)
            if kept is None or kept.version != version or time.monotonic() - kept.at > AGE:
                request.state.version = version  # read before what is shown, so a page never claims too much
                began = time.thread_time()
                made = make(request)
                self.versions.took(name, time.thread_time() - began)
                kept = _Kept(version, time.monotonic(), bytes(made.body), made.media_type)
                with self._lock:
                    self._kept.pop(address, None)
                    self._kept[address] = kept
                    while len(self._kept) > MOST:
                        del self._kept[next(iter(self._kept))]
        return Response(kept.body, media_type=kept.media_type)
