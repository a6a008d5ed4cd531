"""The command line in an empty folder, as for the tests of its parts."""

from tests.tuner.conftest import tuner

__all__ = ["tuner"]
