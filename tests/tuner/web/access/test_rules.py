"""The names that the dashboard goes by, and what it wants to see before others reach it."""

import socket

import pytest

from tuner.errors import Refused
from tuner.web.access.rules import Access
from tuner.web.access.tokens import Token

TOKEN = Token("correct-horse-battery")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "tuner.example.org"])  # noqa: S104 - refused
def test_others_reach_it_only_where_somebody_asks_who_they_are(host: str) -> None:
    """Beyond this machine it takes a token, or a proxy that has asked."""
    with pytest.raises(Refused, match=rf"--host {host} is reached by others, so it needs --token-file"):
        Access(host)
    assert Access(host, TOKEN)
    assert Access(host, proxy_header="X-Remote-User")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_needs_no_token(host: str) -> None:
    """It is reached from here only."""
    assert Access(host)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("LOCALHOST:8080", True),
        ("127.0.0.1:1", True),
        ("[::1]:8080", True),
        ("192.0.2.7:8080", True),
        ("tuner.example.org", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("tuner.example.org.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:8080@evil.example", False),
        ("localhost, evil.example", False),
        ("localhost/", False),
        ("", False),
        (None, False),
        ("[::1", False),
        ("127.1", False),
    ],
)
def test_a_domain_that_points_here_is_still_another_name(host: str | None, known: bool) -> None:  # noqa: FBT001
    """Only our names and addresses in digits are taken, so DNS rebinding reaches nothing."""
    assert Access(names=frozenset({"Tuner.example.org"})).knows(host) is known


def test_on_all_addresses_the_machines_own_name_is_known() -> None:
    """Who listens for others is found by the name of the machine."""
    assert Access("0.0.0.0", TOKEN).knows(socket.gethostname())  # noqa: S104 - with a token
    assert not Access().knows("some-machine")


@pytest.mark.parametrize("name", ["a b", "a:1", "http://a", "", "a/b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """A mistyped option is no silent hole."""
    with pytest.raises(Refused, match="--allowed-host must be a name"):
        Access(names=frozenset({name}))
    with pytest.raises(Refused, match="--proxy-header must be the name"):
        Access(proxy_header=name if name != "a b" else "a\nb")
