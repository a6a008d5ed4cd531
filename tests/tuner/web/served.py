"""The dashboard, served for a test as `tuner dashboard` serves it: by uvicorn, on a port of its own."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from studies.database.open import open_database
from tuner.web.access.rules import Access
from tuner.web.app import application
from tuner.web.site import Site


@dataclass(frozen=True)
class Told:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Served:
    """A server that runs: its address and its port."""

    address: str
    port: int

    def ask(self, path: str, method: str = "GET", *, body: bytes | None = None, **headers: str) -> Told:
        """Ask it; of the names of headers `_` stands for `-`."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            told = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Told(answer.status, found, answer.read())

    def raw(self, request: bytes) -> bytes:
        """Send it bytes, and give what comes back until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def served(
    url: str, *, access: Access | None = None, output: Path = Path("runs"), allow_writes: bool = False
) -> Iterator[Served]:
    """Serve the dashboard of a database."""
    database = open_database(url, reading=True)
    writer = open_database(url) if allow_writes else None
    site = Site(url, database, output, writer=writer)
    config = uvicorn.Config(
        application(site, access), log_config=None, access_log=False, lifespan="on", proxy_headers=False,
        ws="none", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield Served(f"http://127.0.0.1:{port}", port)
        finally:
            server.should_exit = True
            thread.join()
            for each in filter(None, (database, writer)):
                each.engine.dispose()


def path_of(location: str) -> str:
    """Give the path of an address, with its query."""
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
