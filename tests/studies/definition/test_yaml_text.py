"""What is written as YAML is read back as it was, whoever reads it."""

import math
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentError, ArgumentParser
from ruamel.yaml import YAML

from studies.definition.study_file import load_yaml
from studies.definition.yaml_text import yaml_text

# What one reader or another takes for a number, a date, a word of YAML's own, or for structure.
TEXTS = (
    "1e-3", "1E5", "1.e5", ".5", "-.5", "+1", "1.", "0x1F", "0o17", "017", "0b1", "1_000", "1,000", "_1",
    "no", "on", "y", "N", "Yes", "TRUE", "off", "null", "~", "None", "NaN", ".nan", ".inf", "-.INF", "inf",
    "2024-01-01", "2024-01-01 10:00:00", "12:30:45", "0.1:2", "=", "<<", "", " ", " x", "x ", "a  b", "a b",
    "a\nb", "a\nb\n", "\n", "\t", "\r\n", "x\x00y", "\x7f", "\x85", "\u2028", "\ufeff", "größe", "\U0001f600",
    "- a", "-", "a: b", "a:", ":", "#c", "a #c", "[1]", "{a}", "a,b", "*x", "&x", "!x", "!!str", "%x", "@x",
    "'x", '"x"', "a'b", "\\", "?", "? a", "|", ">", "---", "...", "http://x.y", "C:\\x", "word " * 60, "`x",
    "1:2", "a" * 300,
)  # fmt: skip
VALUES = (
    True, False, None, 0, -1, 2**63 - 1, 1.0, 0.1, 1e-3, 1e-5, 1e16, 1e20, -1e-300, 5e-324,
    1.7976931348623157e308, math.inf, -math.inf,
)  # fmt: skip
READERS: dict[str, Callable[[str], Any]] = {
    "YAML 1.1": yaml.safe_load,
    "YAML 1.2": YAML(typ="safe", pure=True).load,
    "a study file": lambda text: load_yaml(text, source="here"),
}


def some_text(draw: random.Random) -> str:
    """Give one of the hard texts, or a few characters of any kind."""
    if draw.random() < 0.7:
        return draw.choice(TEXTS)
    kinds = ((1, 0x7F), (0x80, 0x2FFF), (0x10000, 0x1FFFF))
    return "".join(chr(draw.randint(*draw.choice(kinds))) for _ in range(draw.randint(1, 8)))


def some_data(draw: random.Random, depth: int = 0) -> Any:
    """Give plain data: a mapping, a list, a text or another single value."""
    kind = draw.random()
    if depth < 4 and kind < 0.25:
        return {some_text(draw): some_data(draw, depth + 1) for _ in range(draw.randint(0, 4))}
    if depth < 4 and kind < 0.45:
        return [some_data(draw, depth + 1) for _ in range(draw.randint(0, 4))]
    return some_text(draw) if kind < 0.8 else draw.choice(VALUES)


def is_same(one: Any, other: Any) -> bool:
    """Compare data, types and order included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_of_yaml_takes_a_text_for_something_else(reader: str) -> None:
    """Random data of texts that YAML's versions disagree on come back as they were, keys and types too."""
    draw = random.Random(0)  # noqa: S311 - no secret
    for data in [*TEXTS, {text: text for text in TEXTS}, *(some_data(draw) for _ in range(150))]:
        for compact in (True, False):
            text = yaml_text(data, compact=compact)
            text.encode()
            assert is_same(READERS[reader](text), data), (data, text)


@pytest.mark.parametrize(
    "kind",
    [str, int, float, bool, str | None, int | None, float | None, bool | None, int | str, list[str], Any],
)
def test_a_written_configuration_is_parsed_as_the_trial_was(kind: Any, tmp_path: Path) -> None:
    """LightningCLI's parser makes of the file what it made of the trial's values, refusals too."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--it", type=kind)

    def parsed(read: Callable[[Any], Any], given: Any) -> str:
        try:
            with warnings.catch_warnings(action="ignore"):
                return repr(read(given).it)  # NaN equals itself in writing only
        except ArgumentError:
            return "refused"

    file = tmp_path / "best.yaml"
    for value in (*TEXTS, *VALUES):
        data = {"it": [value] if kind == list[str] else value}
        file.write_text(yaml_text(data, compact=False), encoding="utf-8")
        assert parsed(parser.parse_path, file) == parsed(parser.parse_object, data), value
