"""A network of two: this machine and a namespace on it, between which packets can be dropped; takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_NUMBER = os.getpid() % 200 + 20
HOST, GUEST = f"10.211.{_NUMBER}.1", f"10.211.{_NUMBER}.2"
_NAME, _OURS, _THEIRS = f"tuner{_NUMBER}", f"tuner{_NUMBER}a", f"tuner{_NUMBER}b"


@contextmanager
def namespace() -> Iterator[list[str]]:
    """Make a namespace from which this machine is reached at `HOST`; gives what begins a command in it."""
    _call("ip", "netns", "add", _NAME)
    try:
        _call("ip", "link", "add", _OURS, "type", "veth", "peer", "name", _THEIRS)
        _call("ip", "link", "set", _THEIRS, "netns", _NAME)
        _call("ip", "addr", "add", f"{HOST}/24", "dev", _OURS)
        _call("ip", "link", "set", _OURS, "up")
        _call("ip", "-n", _NAME, "addr", "add", f"{GUEST}/24", "dev", _THEIRS)
        _call("ip", "-n", _NAME, "link", "set", _THEIRS, "up")
        yield ["ip", "netns", "exec", _NAME]
    finally:
        _call("ip", "netns", "del", _NAME)


@contextmanager
def dropped() -> Iterator[None]:
    """Drop every packet from and to the namespace, without an answer."""
    rules = (["INPUT", "-i", _OURS], ["OUTPUT", "-o", _OURS])
    for rule in rules:
        _call("iptables", "-I", *rule, "-j", "DROP")
    try:
        yield
    finally:
        for rule in rules:
            _call("iptables", "-D", *rule, "-j", "DROP")


def _call(*command: str) -> None:
    subprocess.run(command, check=True)
