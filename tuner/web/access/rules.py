"""Who may ask: the names that this server goes by, and what it wants to see before it answers.

A page of another site, open in the same browser, can send requests here. It cannot make them carry one of our
names: a domain that its owner lets point to this machine (DNS rebinding) is still called by its own name in
the Host header. An address in digits is nobody's domain, so it is always one of ours.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tuner.errors import Refused
from tuner.web.access.tokens import VARIABLE, Token

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Access:
    """What whoever asks has to show.

    Attributes:
        host: the address that is listened on.
        token: that has to be shown; None wants none.
        proxy_header: the header in which a proxy that has asked already names who it is; None trusts none.
        names: further names under which a browser reaches this server.
    """

    host: str = "127.0.0.1"
    token: Token | None = None
    proxy_header: str | None = None
    names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse to listen where others reach the server and nobody is asked who they are.

        Raises:
            Refused: says what to add.
        """
        if self.proxy_header is not None and not _HEADER.fullmatch(self.proxy_header):
            raise Refused(
                f"--proxy-header must be the name of a header, such as X-Remote-User, but got "
                f"{self.proxy_header!r}."
            )
        for name in self.names:
            if not _HOST.fullmatch(name) or ":" in name:
                raise Refused(
                    f"--allowed-host must be a name such as tuner.example.org, without a port, but got "
                    f"{name!r}."
                )
        if not is_loopback(self.host) and self.token is None and self.proxy_header is None:
            raise Refused(
                f"--host {self.host} is reached by others, so it needs --token-file FILE, {VARIABLE} in the "
                f"environment, or --proxy-header NAME behind a proxy that asks who they are."
            )

    def knows(self, host: str | None) -> bool:
        """Say whether a Host header names this server.

        A proxy passes on the name that the browser used, which then is one of `names`.
        """
        match = _HOST.fullmatch(host or "")
        if match is None:
            return False
        name = (match["six"] or match["name"]).lower()
        return name in self._known or _is_address(name)

    @cached_property
    def _known(self) -> frozenset[str]:
        own = frozenset() if is_loopback(self.host) else frozenset({socket.gethostname(), socket.getfqdn()})
        return LOOPBACK | {name.lower() for name in self.names | own | {self.host}}


def is_loopback(host: str) -> bool:
    """Say whether an address that is listened on is reached from this machine only."""
    return host in LOOPBACK or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
