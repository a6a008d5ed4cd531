"""What can keep a study from being analysed."""

from search_spaces.errors import TunerError


class NothingToAnalyse(TunerError, ValueError):
    """A study has too few trials that carry a score."""


class SeveralObjectives(TunerError, ValueError):
    """A study has several objectives and the request fits none."""
