"""The errors of the command line and the worker; the tree's root stands in `search_spaces.errors`."""

from search_spaces.errors import TunerError


class StudyStopped(TunerError, RuntimeError):
    """Several trials in a row ended with an error in the user's code; `traceback` is the last one's."""

    def __init__(self, message: str, traceback: str) -> None:
        """Keep the traceback apart from the sentence."""
        super().__init__(message)
        self.traceback = traceback


class DatabaseAway(TunerError, ConnectionError):
    """The database did not answer for longer than a worker waits."""


class Refused(TunerError, ValueError):
    """A request of the command line cannot be carried out as it is."""
