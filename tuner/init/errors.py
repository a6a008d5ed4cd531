"""What `tuner init` refuses because LightningCLI itself cannot make it."""

from search_spaces.errors import TunerError


class CannotBeMade(TunerError, ValueError):
    """LightningCLI cannot make what was named; `lines` are Python that adapts it."""

    def __init__(self, sentence: str, lines: str) -> None:
        """Keep the lines apart from the sentence."""
        super().__init__(sentence)
        self.lines = lines

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Cross to another process with both."""
        return type(self), (str(self), self.lines)


ADAPTING = """\
# adapted.py: {what}
import torch
from {package}.cli import LRSchedulerCallable, OptimizerCallable
from {home} import {name}


class Adapted{name}({name}):
    def __init__(self, {arguments}):
        super().__init__({passed})
"""


def adapting(package: str, made: type, arguments: str, passed: str, what: str) -> str:
    """Write a subclass that LightningCLI can make.

    Args:
        package: the Lightning that the class is of.
        made: the class that cannot be made.
        arguments: of the subclass, as Python writes them behind `self`.
        passed: what the subclass hands on.
        what: one line on what the subclass is for.
    """
    return ADAPTING.format(
        what=what,
        package=package,
        home=made.__module__,
        name=made.__name__,
        arguments=arguments,
        passed=passed,
    )
