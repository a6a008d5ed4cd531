"""The errors of studies; the tree's root and its rules stand in `search_spaces.errors`.

TunerError
├── StudyFileError     a study file, or a `--set`, is wrong: names the file, the key, the rule
├── BadLength         the trainer section does not say on what a trial trains; knows the key
├── BadClass           a sampler or a pruner cannot be made from its class_path and init_args
├── UnknownStudy       no study of that name in the database, and no such file
│   └── ForeignStudy   another program made the study
├── UnusableStudy      a study of the database cannot be worked with as it is: the message says why
│   └── CopiedStudy    it is a copy of a study, and the slots belong to the original
├── NoSuggestion       a study's sampler, or its space, gives no values for the next trial
├── StudyChanged       a study is resumed with another definition than it was made with
├── StorageError       the database cannot be opened or is not ours to use
└── UnknownTrial       the study has no trial of that number
"""

from search_spaces.errors import TunerError

_LONGEST = 800  # characters of a sentence


class StudyFileError(TunerError, ValueError):
    """A study file is wrong."""

    def __init__(self, source: str, key: str, message: str) -> None:
        """Say what is wrong.

        Args:
            source: the file's name, or `--set`.
            key: the dotted key; empty where the file as a whole is meant.
            message: the rule, what was given, and what to write instead.
        """
        said = f"{source}: {key}: {message}" if key else f"{source}: {message}"
        # What was given may be of any length; the rule stands before it and the remedy behind it.
        half = _LONGEST // 2
        super().__init__(said if len(said) <= _LONGEST else f"{said[:half]} ... {said[-half:]}")


class BadLength(TunerError, ValueError):
    """The `trainer` section does not say what has to be known of a trial."""

    def __init__(self, key: str, message: str) -> None:
        """Say what is wrong with the value of `key`."""
        super().__init__(f"{key}: {message}")
        self.key, self.message = key, message


class BadClass(TunerError, ValueError):
    """A sampler or a pruner cannot be made from its `class_path` and `init_args`."""


class UnknownStudy(TunerError, KeyError):
    """No study has that name."""


class ForeignStudy(UnknownStudy):
    """A study of the database is none of ours."""


class UnusableStudy(TunerError, ValueError):
    """What the database holds of a study cannot be read or worked with here."""


class CopiedStudy(UnusableStudy):
    """A study is a copy of one of ours."""


class NoSuggestion(TunerError, RuntimeError):
    """A study gives no values for its next trial."""


class StudyChanged(TunerError, ValueError):
    """A study of that name exists and was made from another definition."""


class StorageError(TunerError, OSError):
    """The database cannot be used."""


class UnknownTrial(TunerError, KeyError):
    """The study has no trial of that number."""
