"""Study files that nobody should write: each is refused by a sentence, in bounded time and memory."""

import os
import random
import resource
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest

from search_spaces.catalogue.registry import named_space
from search_spaces.errors import TunerError
from search_spaces.space.nodes import Group
from studies.definition.plain_yaml import DEEPEST, LONGEST
from studies.definition.study import define
from studies.definition.study_file import parse_study_file, read_study_file
from studies.definition.yaml_text import yaml_text
from studies.errors import StudyFileError

ROOT = Path(__file__).parents[3]
SHIPPED = [path.read_text() for path in sorted((ROOT / "studies" / "shipped").glob("*.yaml"))]
SEED = 20
MUTATIONS = int(os.environ.get("TUNER_TEST_MUTATIONS", "50"))
MEMORY = 200 * 2**20  # bytes

BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(9 * [f'*{a}'])}]\n" for a, b in pairwise(ascii_lowercase)
)
MERGES = "k0: &k0 {a: 1}\n" + "".join(f"k{i}: &k{i} {{<<: [*k{i - 1}, *k{i - 1}]}}\n" for i in range(1, 40))
REFUSED = {
    "an alias bomb": (BOMB, "it holds more than 100,000 values"),
    "a bomb of merge keys": (MERGES, "it holds more than 100,000 values"),
    "a mapping that holds itself": ("study: &a {x: *a}", "holds the alias itself"),
    "a list that holds itself": ("study: &a\n  - [*a]", "holds the alias itself"),
    "3,000 lists": ("a: " + 3000 * "[" + 3000 * "]", f"nested more than {DEEPEST} levels"),
    "3,000 mappings": (3000 * "{a: ", f"nested more than {DEEPEST} levels"),
    "300 blocks": ("\n".join(" " * i + "a:" for i in range(300)), f"nested more than {DEEPEST} levels"),
    "a huge file": ("a: " + LONGEST * "x", "is longer than"),
    "a number of 401 digits": (f"a: {10**400}", "is a whole number of more than 64 bits"),
    "a number of 6,000 digits": (f"a: {6000 * '9'}", "is not YAML"),
    "a hexadecimal number": (f"a: 0x{400 * 'f'}", "is a whole number of more than 64 bits"),
    "a float that overflows": ("a: 1e400", "is beyond the largest number"),
    "NaN": ("a: [.nan]", "NaN equals no number"),
    "a key that is a list": ("? [a, b]\n: c", "a key must be text or a number"),
    "a key that is nothing": (": x", "has a value without a key"),
    "one key twice": (
        "study: {name: a}\nstudy: {name: b}",
        "is ambiguous in line 2: found duplicate key `study`",
    ),
    "one key as number and text": ('1: a\n"1": b', "is written twice"),
    "an open brace": ("study: {name: a\nmodel: b", "is not YAML in line 2"),
    "a tab": ("a:\n\tb: 1", "is not YAML in line 2"),
    "a NUL": ("a: \0", "is not YAML"),
    "an escape sequence of a terminal": ("a: \x1b[2J", "is not YAML"),
    "a Python object": ("a: !!python/object/apply:os.system [id]", "is not YAML in line 1"),
    "a tag": ("a: !own 1", "is not YAML in line 1"),
    "an empty number": ('a: !!int ""', "is not YAML"),
    "a date": ("study: {name: 2020-01-01}", "quote it"),
    "bytes": ("a: !!binary aGVsbG8=", "quote it"),
    "a set": ("a: !!set {x, y}", "quote it"),
    "two documents": ("a: 1\n---\nb: 2", "is not YAML in line 2"),
    "nothing": ("# nothing\n", "is empty"),
}
NASTY: list[Any] = [
    *(None, True, -1, 0, 2**31, 2**63 - 1, 1e308, float("inf")),
    *("", " ", "x" * 999, "\ud800", "\x1b[31m", "a.b"),
    *([], {}, [[]], [None], ["a", 1, {}], {"": ""}, {"class_path": "x"}, {"low": 1, "high": 0}),
    *({"class_path": "os.system", "init_args": ["id"]}, {"low": None, "high": "x"}),
    *({"choices": []}, {"choices": {"a": None}}),
]
SYNTAX = ["", ":", "{", "[", "&a ", "*a", "\n", "- ", "'", '"', "!", "<<: ", "1e999", "\t", "#"]


@pytest.mark.parametrize("name", REFUSED)
def test_no_file_takes_more_than_it_is_worth(name: str) -> None:
    """What no study needs is refused by one sentence, before it takes memory."""
    text, said = REFUSED[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StudyFileError) as refused:
        parse_study_file(text, source="a.yaml")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


@pytest.mark.parametrize("name", REFUSED)
def test_an_override_is_no_back_door(name: str) -> None:
    """What a file may not hold, `--set` may not either."""
    text = REFUSED[name][0]
    if name in {"nothing", "one key twice"}:
        pytest.skip("`--set` may write nothing, and a whole section")
    with pytest.raises(StudyFileError):
        parse_study_file(SHIPPED[0], source="a.yaml", overrides=[f"study={text}"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_only_utf_8_is_read(tmp_path: Path, encoding: str) -> None:
    """A byte order mark before UTF-8 is no part of the text, and any other encoding is refused."""
    file = tmp_path / "a.yaml"
    file.write_text("study: {name: é}", encoding=encoding)
    if encoding == "utf-8-sig":
        assert read_study_file(file).data == {"study": {"name": "é"}}
    else:
        with pytest.raises(StudyFileError, match="It is not UTF-8 text"):
            read_study_file(file)


def test_aliases_and_merge_keys_work() -> None:
    """An alias stands for what it names, and a merge key for what it merges."""
    read = parse_study_file("trainer: &a {max_epochs: 3}\nmodel: {<<: *a, x: [*a]}", source="a.yaml").data
    assert read["model"] == {"max_epochs": 3, "x": [{"max_epochs": 3}]}


def test_no_text_makes_a_traceback() -> None:
    """Whatever letters are changed in a shipped study, it is read or refused by a sentence."""
    chance = random.Random(SEED)  # noqa: S311 - the same examples for everyone
    for _ in range(MUTATIONS):
        text = chance.choice(SHIPPED)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(text))
            inserted = chance.choice([*SYNTAX, text[:place]])
            text = text[:place] + inserted + text[place + chance.randint(0, 3) :]
        _read(text)


def test_no_value_makes_a_traceback() -> None:
    """Whatever value stands in the place of another, a study is read or refused by a sentence."""
    chance = random.Random(SEED)  # noqa: S311 - the same examples for everyone
    studies = [parse_study_file(text, source="a.yaml").data for text in SHIPPED]
    for _ in range(MUTATIONS):
        _read(yaml_text(_mutated(dict(chance.choice(studies)), chance)))


def _mutated(data: Any, chance: random.Random) -> Any:
    """Put something else in the place of a random part."""
    if isinstance(data, dict) and data and chance.random() < 0.8:
        key = chance.choice(list(data))
        return {**data, key: _mutated(data[key], chance)}
    return chance.choice(NASTY)


def _read(text: str) -> None:
    def expose(path: str, epochs: int | None) -> Group:
        return named_space("recipe.quick", epochs)

    with suppress(TunerError):
        define(parse_study_file(text, source="a.yaml"), expose)
