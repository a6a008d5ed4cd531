"""Plain data as YAML text that every reader reads alike, in the order in which it was made.

YAML 1.1 (PyYAML) and 1.2 (ruamel.yaml) disagree about texts such as `no`, `1e-3` and `12:30:45`, and
jsonargparse has rules of its own. So a text stands without quotes only where no reader can take it for
anything else, and numbers are written in a form that all of them know.
"""

import re
from typing import Any

import yaml

_WIDTH = 110  # columns, of what stands on one line
# A word, with signs inside that mean nothing in YAML.
_PLAIN = re.compile(r"[A-Za-z_](?:[\w./@+-]| (?=[\w./@+-]))*", re.ASCII)
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"})


class _Writer(yaml.SafeDumper):
    """A writer that never refers from one place of a text to another, and quotes what readers disagree on."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _RESERVED
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Writer.add_representer(str, _text)


def yaml_text(data: Any, *, compact: bool = True) -> str:
    """Write plain data as YAML.

    Args:
        data: what JSON can hold.
        compact: what is small stands on one line; else each value has a line of its own.
    """
    return yaml.dump(
        data,
        Dumper=_Writer,
        default_flow_style=None if compact else False,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
    )
