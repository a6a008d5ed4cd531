"""Serving the dashboard: the socket that is listened on, the server, and its end."""

import errno
import logging
import signal
import socket
import threading
import warnings
import webbrowser
from collections.abc import Callable
from types import FrameType

import uvicorn

from tuner.errors import Refused
from tuner.web.access.rules import Access
from tuner.web.app import application
from tuner.web.site import PREFIX, Site
from tuner.workers.processes.priority import give_way

_BACKLOG = 128
_NICE = 10  # as `nice` has it: whoever trains on this machine goes first
_ENDING = 2  # seconds that answers have to come to their end
_IDLE = 75  # seconds after which an idle connection is closed; proxies close theirs sooner


def serve(site: Site, access: Access, port: int, *, say: Callable[[str], None], opens: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        site: what is shown.
        access: who may ask, and the address that is listened on.
        port: that is listened on; 0 takes a free one.
        say: is told the address, once it can be asked.
        opens: whether to open it in a browser.

    Raises:
        Refused: the address cannot be listened on.
    """
    give_way(_NICE)
    with _listening(access.host, port) as listening:
        address = _address(access.host, listening)

        def ready() -> None:
            say(address)
            if opens:
                threading.Thread(target=webbrowser.open, args=(f"{address}{PREFIX}/",), daemon=True).start()

        config = uvicorn.Config(
            application(site, access, ready),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # what is needed of them is read where it is needed
            lifespan="on",
            ws="none",
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=_ENDING,
        )
        # What it says of connections that break is no news, and that it ends is what was asked.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        logging.getLogger("optuna_dashboard").setLevel(logging.CRITICAL)
        # Once it has ended, it sends itself the signals again that it has got.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ends)
        with warnings.catch_warnings(action="ignore"):  # of Optuna about a study's trials; nobody reads them
            uvicorn.Server(config).run(sockets=[listening])


def _ends(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the server has ended."""


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Refused(
            f"--host: {host} is no address of this machine; write 127.0.0.1, or 0.0.0.0 for all of them."
        ) from error
    family, kind, protocol, _, place = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                f"--port: another program listens on port {port} of {host}; name another port, or 0 for a "
                f"free one."
            ) from error
        raise Refused(f"--host, --port: {host}:{port} cannot be listened on: {error.strerror}.") from error
    return listening


def _address(host: str, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
