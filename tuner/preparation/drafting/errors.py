"""What `tuner init` refuses because LightningCLI itself cannot make it, and the lines that adapt it."""

from collections.abc import Mapping

from search_spaces.errors import TunerError


class CannotBeMade(TunerError, ValueError):
    """LightningCLI cannot make what was named; `lines` are Python that adapts it."""

    def __init__(self, sentence: str, lines: str) -> None:
        """Keep the lines apart from the sentence."""
        super().__init__(sentence)
        self.lines = lines


_ADAPTING = """\
# adapted.py: {what}
import torch
{aliases}from {home} import {name}


class Adapted{name}({name}):
    def __init__(
        self,
        {arguments}
    ):
        super().__init__({passed}, **kwargs)
{then}"""


def adapting(
    made: type, arguments: Mapping[str, str], passed: str, *, what: str, aliases: str = "", then: str = ""
) -> str:
    """Write a subclass that LightningCLI can make.

    Args:
        made: the class that cannot be made.
        arguments: the types, with defaults, of what the subclass takes instead, by name.
        passed: what the subclass hands on beside its `**kwargs`.
        what: one line on what the subclass is for.
        aliases: an import of the types that the arguments need.
        then: lines behind the call of the class's own `__init__`.
    """
    lines = [*(f"{name}: {kind}," for name, kind in arguments.items()), "**kwargs,"]
    return _ADAPTING.format(
        what=what,
        aliases=aliases,
        home=made.__module__,
        name=made.__name__,
        arguments="\n        ".join(lines),
        passed=passed,
        then=then,
    )
