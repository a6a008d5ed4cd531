"""What jsonargparse says of a configuration that it does not accept, in one sentence."""

import re
from collections.abc import Mapping
from typing import Any

from tuner.training.errors import BadConfiguration


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


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "NoneType": "null",
}
_STRUCTURE = ("Errors:", "Does not validate against any of the Union subtypes")
_STRUCTURE_STARTS = ("Parser key", "Subtypes:", "Problem with given class_path", "Given value")


def explain_making(error: Exception, configuration: Mapping[str, Any]) -> BadConfiguration | None:
    """Say in one sentence why a class refused its arguments; None where the error says nothing of that.

    jsonargparse tries all that an argument may be, and reports every attempt; the class's own words are among
    the causes.
    """
    made = re.search(r"Given value: Namespace\(class_path='([\w.]+)'", str(error))
    if made is None:
        return None
    cause: BaseException = error
    while str(cause).startswith(_STRUCTURE) and (cause.__cause__ or cause.__context__):
        cause = cause.__cause__ or cause.__context__ or cause
    sections = [
        name
        for name, part in configuration.items()
        if isinstance(part, Mapping) and part.get("class_path") == made[1]
    ]
    said = (str(cause).splitlines() or [type(cause).__name__])[0]
    return BadConfiguration(sections[0] if sections else made[1], f"{said.rstrip('.')}.")
