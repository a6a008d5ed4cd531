"""What goes wrong in training, each in one sentence; the root of errors stands in `search_spaces.errors`.

TunerError
├── IllegalTraining      a training configuration contradicts itself or the module that it trains
├── BadConfiguration     a configuration names a class or an argument that does not exist; knows the key
├── BadData              a file of data is not there, is no such file, or cannot be learnt from
├── MetricNotLogged      the module does not log the metric that the study is about
└── NotAllowed           a study of the database names what this worker may not use
"""

from search_spaces.errors import TunerError


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


class NotAllowed(TunerError, ValueError):
    """A study of the database names what this worker may not import, make, open or write to."""
