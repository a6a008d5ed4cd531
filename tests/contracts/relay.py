"""A door before a PostgreSQL, which refuses the first that come, as a server that is being started does."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from sqlalchemy.engine import URL, make_url

_PIECE = 1 << 16  # bytes that are passed on at once


@contextmanager
def relayed(url: str, refused: int) -> Iterator[tuple[str, list[int]]]:
    """Run it before the database at `url`.

    Args:
        url: of a PostgreSQL.
        refused: connections that are closed at once; each later one is passed on.

    Yields: The URL of the same database through it, and a list of one number, how many connections came.
    """
    behind, came = make_url(url), [0]

    class Passing(socketserver.BaseRequestHandler):
        """Passes a connection on."""

        request: socket.socket

        def handle(self) -> None:
            """Close it, or pass on both ways until an end closes."""
            came[0] += 1
            if came[0] <= refused:
                return
            with _connected(behind) as other:
                back = threading.Thread(target=_pass, args=(other, self.request), daemon=True)
                back.start()
                _pass(self.request, other)
                back.join()

    class Door(socketserver.ThreadingTCPServer):
        """Listens; its threads end with the process."""

        daemon_threads: ClassVar[bool] = True
        block_on_close: ClassVar[bool] = False

    with Door(("127.0.0.1", 0), Passing) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        port = door.server_address[1]
        through = behind.set(host="127.0.0.1", port=port, query={})
        try:
            yield through.render_as_string(hide_password=False), came
        finally:
            door.shutdown()


def _connected(url: URL) -> socket.socket:
    host, port = str(url.query.get("host") or url.host), int(str(url.query.get("port") or url.port or 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    other = socket.socket(socket.AF_UNIX)
    other.connect(f"{host}/.s.PGSQL.{port}")
    return other


def _pass(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
