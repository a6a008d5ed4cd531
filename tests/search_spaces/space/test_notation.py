"""A space as data: what is written is read back, and what is no space is refused with its path."""

import io
from typing import Any

import pytest
import yaml
from hypothesis import given
from ruamel.yaml import YAML

from search_spaces.catalogue.registry import CATALOGUE
from search_spaces.errors import IllegalSpace
from search_spaces.space.fingerprint import fingerprint
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Prior
from search_spaces.space.notation import from_data, group_from_data, is_node, node_from_data, to_data
from tests.search_spaces.strategies import spaces


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _written(space: Group) -> str:
    text = io.StringIO()
    YAML().dump(to_data(space), text)  # keeps the order, for a condition stands after its choice
    return text.getvalue()


@given(spaces())
def test_a_space_survives_yaml(space: Group) -> None:
    """Written as YAML and read back a space is equal, to its defaults, priors and words."""
    back = from_data(_read(_written(space)))
    assert back == space
    assert fingerprint(back) == fingerprint(space)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_catalogue_space_survives_either_yaml(name: str) -> None:
    """The catalogue's spaces are read back equal, whichever YAML library wrote them."""
    space = CATALOGUE[name]()
    assert from_data(_read(yaml.safe_dump(to_data(space), sort_keys=False))) == space
    assert from_data(_read(_written(space))) == space


def test_a_space_reads_like_the_configuration_it_varies() -> None:
    """The example of the module's docstring is the space that it says."""
    space = from_data(
        _read("""
            optimizer:
              target: optimizer
              choices:
                adamw: {class_path: torch.optim.AdamW, lr: {low: 1e-4, high: 1e-1, log: true}}
            norm: {choices: [none, batch]}
            norm.placement: {choices: [pre, post], when: {norm: [batch]}}
        """)
    )
    adamw = Group({"lr": Float(1e-4, 1e-1, log=True)}, class_path="torch.optim.AdamW")
    assert space == Group(
        {
            "optimizer": Choice({"adamw": adamw}, target="optimizer"),
            "norm": Categorical(("none", "batch")),
            "norm.placement": Categorical(("pre", "post"), when={"norm": ("batch",)}),
        }
    )


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("{low: 1, high: 2.0}", Float(1.0, 2.0)),
        ("{low: 1, high: 2, type: float, default: 1}", Float(1.0, 2.0, default=1.0)),
        ("{low: 1, high: 8, type: int, log: true}", Int(1, 8, log=True)),
        ("{low: 0.1, high: 1.0, prior: {centre: 1, width: 2}}", Float(0.1, 1.0, prior=Prior(1, 2))),
        ("{choices: [no, on, 1]}", Categorical(("no", "on", 1))),
        ("{choices: {none: , on: }}", Choice({"none": Group(), "on": Group()})),
        ("{choices: [a], when: {b: x}}", Categorical(("a",), when={"b": ("x",)})),
    ],
)
def test_short_forms_are_read(text: str, node: object) -> None:
    """A number is a number, `no` is a name, an empty branch is a group, and one branch needs no list."""
    read = node_from_data(_read(text), path="p")
    assert read == node
    assert repr(read) == repr(node)  # 1 and 1.0 are equal and not the same


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        ({"low": 1, "high": 2}, True),
        ({"choices": ["a"]}, True),
        ({"high": None}, True),
        ({"class_path": "p.C", "lr": {"low": 1, "high": 2}}, False),
        ({"low": {"low": 1.0, "high": 2.0}, "high": {"choices": ["a"]}}, False),
        ({}, False),
        (3, False),
    ],
)
def test_a_parameter_is_told_from_a_branch(data: object, is_one: bool) -> None:  # noqa: FBT001
    """What has bounds or choices is a parameter; a mapping of parameters, whatever their names, is none."""
    assert is_node(data) is is_one


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"a": 3}, ["a must be a range such as", "{choices: [a, b]}", "got 3"]),
        ({"a": {}}, ["a must be a range such as", "got {}"]),
        ({"a": {"low": 1.0}}, ["a.high must be a number", "got None", "both `low` and `high`"]),
        ({"a": {"low": "x", "high": 1.0}}, ["a.low must be a number", "'x'"]),
        ({"a": {"low": True, "high": 1.0}}, ["a.low must be a number", "True"]),
        ({"a": {"low": 2.0, "high": 1.0}}, ["a: ", "`low <= high` must hold", "swap"]),
        ({"a": {"low": 0, "high": 1}}, ["a: 0 .. 1 could be whole or real", "`type: int`", "0.0"]),
        ({"a": {"low": 0, "high": 1, "type": "real"}}, ["a.type must be int or float", "'real'"]),
        ({"a": {"low": 0.5, "high": 1, "type": "int"}}, ["a: ", "whole number", "0.5"]),
        ({"a": {"low": 0.1, "high": 1.0, "log": "yes"}}, ["a.log must be true or false", "'yes'"]),
        ({"a": {"low": 0.1, "high": 1.0, "default": "x"}}, ["a: `default`", "number", "'x'"]),
        ({"a": {"low": 0.1, "high": 1.0, "default": True}}, ["a: `default`", "number", "True"]),
        ({"a": {"low": 0.1, "high": 1.0, "prior": 3}}, ["a.prior must be {centre: number, width: number}"]),
        ({"a": {"low": 0.1, "high": 1.0, "prior": {"centre": "x", "width": 1}}}, ["a: ", "centre", "'x'"]),
        ({"a": {"low": 0.1, "high": 1.0, "logg": True}}, ["a has an unknown key 'logg'", "log, low"]),
        ({"a": {"choices": ["x"], "low": 1}}, ["a has an unknown key 'low'"]),
        ({"a": {"choices": "xyz"}}, ["a.choices must be a list", "'xyz'"]),
        ({"a": {"choices": []}}, ["a: `choices`", "empty"]),
        ({"a": {"choices": {"x": 0}}}, ["a.x must be a mapping", "got 0"]),
        ({"a": {"choices": {True: None}}}, ["a: A branch is named by a string", "True"]),
        ({"a": {"choices": ["x"], "when": ["b"]}}, ["a.when must map choices", "['b']"]),
        ({"a": {"choices": ["x"], "when": {"b": ["y"]}}}, ["a exists when b", "earlier choice"]),
        ({"a": {"choices": ["x"], "target": 3}}, ["a: `target`", "got 3"]),
        ({"a": {"choices": ["x"], "why": 3}}, ["a: `why` must be a string", "3"]),
        ({"a": {"choices": {"x": {"n": {"low": 2.0, "high": 1.0}}}}}, ["a.x.n: `low <= high`"]),
        ({"a": {"choices": {"x": {"set": 3}}}}, ["a.x.set must map configuration keys", "3"]),
        ({"a": {"choices": {"x": {"class_path": 3}}}}, ["a.x.class_path", "import path", "3"]),
        ({"a": {"choices": {"x": {"class_path": "p.C"}}}}, ["a: Branch 'x'", "`target: optimizer`"]),
        ({"class_path": "p.C"}, ["A space is no class", "p.C", "branch of a choice"]),
        ({1: {"choices": ["x"]}}, ["1 is no name", "string"]),
        ([], ["A space must be a mapping", "[]"]),
    ],
)
def test_what_is_no_space_is_refused_with_its_path(data: Any, words: list[str]) -> None:
    """The message starts with where the mistake stands, and says the rule and what was given, once."""
    with pytest.raises(IllegalSpace) as error:
        from_data(data)
    text = str(error.value)
    assert all(word in text for word in words), text
    assert text.startswith(words[0][: len(words[0]) // 2])


def test_a_long_value_is_shortened_in_a_message() -> None:
    """A message shows the start of what was given, not pages of it."""
    with pytest.raises(IllegalSpace) as error:
        node_from_data({"x" * 500: 1}, path="a")
    assert len(str(error.value)) < 220


def test_a_group_is_read_at_its_path() -> None:
    """A branch by itself is read as it is inside a space."""
    group = group_from_data({"class_path": "p.C", "set": {"k": 1}, "n": {"low": 0.5, "high": 1}}, path="o.c")
    assert group == Group({"n": Float(0.5, 1.0)}, set={"k": 1}, class_path="p.C")
