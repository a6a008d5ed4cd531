"""The errors of commands, workers and trainings; the tree's root stands in `search_spaces.errors`.

TunerError
├── Refused              a request of the command line cannot be carried out as it is
├── StudyStopped         several trials in a row ended with an error in the user's code; knows the traceback
├── DatabaseAway         the database did not answer for longer than a worker waits
├── IllegalTraining      a training configuration contradicts itself or the module that it trains
├── BadConfiguration     a configuration names a class or an argument that does not exist; knows the key
├── BadData              a file of data is not there, is no such file, or cannot be learnt from
├── MetricNotLogged      the module does not log the metric that the study is about
│   └── KeptNotLogged    the module does not log a metric that each trial is to keep
└── NotAllowed           a study of the database names what this worker may not use
"""

from search_spaces.errors import TunerError


class Refused(TunerError, ValueError):
    """A request of the command line cannot be carried out as it is."""


class StudyStopped(TunerError, RuntimeError):
    """Several trials in a row ended with an error in the user's code; `traceback` is the last one's."""

    def __init__(self, message: str, traceback: str) -> None:
        """Keep the traceback apart from the sentence."""
        super().__init__(message)
        self.traceback = traceback


class DatabaseAway(TunerError, ConnectionError):
    """The database did not answer for longer than a worker waits."""


class IllegalTraining(TunerError, ValueError):
    """A training configuration contradicts itself or the module that it trains."""


class BadConfiguration(TunerError, ValueError):
    """A configuration names a class or an argument that does not exist, or gives it a wrong value."""

    def __init__(self, key: str, message: str) -> None:
        """Say what is wrong with the value of `key`."""
        super().__init__(f"{key}: {message}")
        self.key = key


class BadData(TunerError, ValueError):
    """A file of data is not there, is no such file, or cannot be learnt from."""


class MetricNotLogged(TunerError, KeyError):
    """The module does not log the metric that the study is about."""


class KeptNotLogged(MetricNotLogged):
    """The module does not log a metric that each trial is to keep."""


class NotAllowed(TunerError, ValueError):
    """A study of the database names what this worker may not import, make, open or write to."""
