"""The page on study files names every key there is, with its default, and no other."""

import dataclasses
import re
from pathlib import Path

import yaml

from search_spaces.space.nodes import Categorical, Choice, Float, Int
from studies.definition.settings import StudySettings
from studies.definition.space_section import _CHANGES, _NARROW_KEYS
from studies.definition.study_file import SECTIONS

PAGE = (Path(__file__).parents[3] / "docs/study-file.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = PAGE.split(f"\n{heading}\n", 1)[1] if heading else PAGE
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table[0].splitlines()[2:]]


def _keys(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_the_study_section_stands_there_with_its_default() -> None:
    """In any order; `required` where there is none."""
    told = {_keys(row[0])[0]: row[1] for row in _rows("## study")}
    known = {}
    for field in dataclasses.fields(StudySettings):
        is_needed = field.default is dataclasses.MISSING
        known[field.name] = "required" if is_needed else field.default
    assert {
        name: cell if cell == "required" else yaml.safe_load(cell.strip("`")) for name, cell in told.items()
    } == known


def test_every_section_and_every_key_of_a_space_stands_there() -> None:
    """Sections of a file, what is done to a space, and the fields of its nodes."""
    assert {key for row in _rows("") for key in _keys(row[0])} == set(SECTIONS)
    assert [_keys(row[0])[0] for row in _rows("## space")] == ["use", "missing", *_CHANGES]
    narrowed = next(row for row in _rows("## space") if row[0] == "`narrow`")
    assert set(_keys(narrowed[1])) == set(_NARROW_KEYS)
    told = {
        key for part in ("### A range", "### What both have") for row in _rows(part) for key in _keys(row[0])
    }
    fields = {field.name for node in (Float, Int, Categorical, Choice) for field in dataclasses.fields(node)}
    assert told == (fields | {"type"}) - {"branches", "choices"}
