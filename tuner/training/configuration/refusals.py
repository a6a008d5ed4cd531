"""What jsonargparse says of a configuration that it does not accept, in one sentence."""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from tuner.errors import BadConfiguration

LONGEST = 500  # letters of what an error says


def explain(message: str) -> BadConfiguration:
    """Say in one sentence why a configuration is not accepted: the key, what is expected, what was given."""
    keys = re.findall(r'Parser key "([\w.]+)"', message)
    key = ".init_args.".join(keys) if len(keys) > 1 else (keys[0] if keys else "")
    expected = list(dict.fromkeys(re.findall(r"Expected an? <class '([\w.]+)'>", message)))
    given = re.findall(r"(?:Given value|Got value): (.+)", message)
    options = re.search(r"Expected an? typing\.Literal\[(.+?)\]", message)
    if key and options and given:
        return BadConfiguration(key, f"must be one of {options[1]}, but got {given[0]}.")
    kinds = [_KINDS.get(name, name) for name in expected if name != "NoneType" or len(expected) == 1]
    if key and kinds and given and not given[0].startswith("{"):
        return BadConfiguration(key, f"must be {' or '.join(dict.fromkeys(kinds))}, but got {given[0]}.")
    if not key:
        required = re.search(r'Key "([\w.]+)" is required|required: ([\w., ]+)', message)
        key = next(filter(None, required.groups()), "") if required else ""
        if key:
            return BadConfiguration(key, "is missing, and the class needs it.")
    lines = [line.strip(" -") for line in message.splitlines() if line.strip(" -")]
    telling = [
        line for line in lines if line not in _STRUCTURE and not line.startswith(_STRUCTURE_STARTS)
    ] or lines
    return BadConfiguration(key or "configuration", f"{telling[0].rstrip('.')}.")


def denied_path(message: str) -> str | None:
    """Give the import path that jsonargparse was told to deny, where that is why it accepts nothing."""
    denied = re.search(r"Importing '([^']+)' is not allowed", message)
    return denied and denied[1]


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "NoneType": "null",
}
_STRUCTURE = ("Errors:", "Does not validate against any of the Union subtypes")
_STRUCTURE_STARTS = ("Parser key", "Subtypes:", "Problem with given class_path", "Given value")


def explain_making(cls: type, error: BaseException, configuration: Mapping[str, Any]) -> BadConfiguration:
    """Say in one sentence why a class could not be made of its arguments.

    Args:
        cls: the class.
        error: what it raised. jsonargparse, which catches it, tries all that an argument may be, and reports
            every attempt at length.
        configuration: what was to be made.
    """
    key = _key_of(cls, configuration) or f"{cls.__module__}.{cls.__qualname__}"
    return BadConfiguration(key, f"{cls.__name__} cannot be made: {told(error)}.")


def told(error: BaseException) -> str:
    """Give the type and the words of an error in one line."""
    words = " ".join(str(error).split()).rstrip(".")
    shown = words if len(words) <= LONGEST else f"{words[:LONGEST]} ..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _key_of(cls: type, part: Any, key: str = "") -> str:
    """Find where a configuration names a class."""
    if isinstance(part, Mapping):
        module, _, name = str(part.get("class_path")).rpartition(".")
        if getattr(sys.modules.get(module), name, None) is cls:
            return key
        items: Iterable[tuple[str, Any]] = (
            (f"{key}.{name}".lstrip("."), each) for name, each in part.items()
        )
    elif isinstance(part, list | tuple):
        items = ((f"{key}.{number}", each) for number, each in enumerate(part))
    else:
        return ""
    return next(filter(None, (_key_of(cls, each, name) for name, each in items)), "")
