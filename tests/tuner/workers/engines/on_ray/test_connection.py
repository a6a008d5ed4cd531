"""Where no cluster is, or no Ray, one sentence says so at once."""

import importlib.util
import subprocess
import sys

import pytest

from tuner.errors import Refused
from tuner.workers.engines.engine import EngineAway
from tuner.workers.engines.on_ray.connection import Connection
from tuner.workers.engines.on_ray.engine import OnRay


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    """Ray itself tries for minutes."""
    with pytest.raises(EngineAway, match=r"No Ray cluster is reached at 127\.0\.0\.1:1: .*ray start --head"):
        Connection("127.0.0.1:1")


@pytest.mark.parametrize("address", ["nonsense", "host:", "host:99999", "ray://", "[::1:6379"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """The sentence shows one."""
    with pytest.raises(EngineAway, match="is no address of a Ray cluster; write HOST:PORT"):
        Connection(address)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_a_cluster_that_would_end_with_the_command_is_refused() -> None:
    """Workers have to outlive the launcher."""
    with pytest.raises(Refused, match="would end with this command"):
        OnRay.of({"address": "local"})


def test_without_ray_the_sentence_says_what_to_type() -> None:
    """Nothing of Ray is imported to know that."""
    line = (
        "import sys; sys.modules['ray'] = None; from tuner.workers.engines.registry import engine_named; "
        "engine_named('ray', {})"
    )
    ended = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert "Ray is not installed here; type: pip install 'interplay-tuner[ray]'" in ended.stderr


def test_a_cluster_is_named_without_importing_ray() -> None:
    """Only the process that talks to a cluster imports it."""
    line = (
        "import sys, tuner.cli; from tuner.workers.engines.on_ray import engine; "
        "sys.exit('ray' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", line], check=True)
