"""The errors of the whole project, drawn as a tree.

TunerError
├── IllegalSpace          a space that contradicts itself
├── UnknownParameter      a name that a space does not hold
├── UnknownSpace          a name that the catalogue does not hold
└── (studies.errors and tuner.errors add theirs)

A message names what was given, the rule, and the next step; it is one sentence and needs no traceback.
"""

from typing import Any


class TunerError(Exception):
    """Anything that a user of this project did or met that we can explain in one sentence."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A member may take other arguments than the message that it makes of them.
        return _restored, (type(self), self.args, vars(self))

    def __str__(self) -> str:
        # KeyError, from which some members inherit, would show the repr of the message.
        return str(self.args[0]) if self.args else ""


def _restored(kind: type[TunerError], args: tuple[Any, ...], own: dict[str, Any]) -> TunerError:
    """Make an error that comes from another process."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(own)
    return error


class IllegalSpace(TunerError, ValueError):
    """A search space contradicts itself."""


class UnknownParameter(TunerError, KeyError):
    """A name was used that the search space does not hold."""


class UnknownSpace(TunerError, KeyError):
    """A name was used that the catalogue does not hold."""


def first_line(error: BaseException) -> str:
    """Give the first line of an exception's message, or its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
