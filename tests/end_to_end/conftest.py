"""The command line in an empty folder, as for the tests of its parts."""

from tests.fork_server import fork_server
from tests.tuner.conftest import tuner

__all__ = ["fork_server", "tuner"]
