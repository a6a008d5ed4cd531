"""A space that contradicts itself is refused when it is made, with the rule in the message."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from search_spaces.errors import IllegalSpace, TunerError
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int, Prior

NAN, INFINITY = float("nan"), float("inf")
AB = Group()
WRONG: Any = "wrong"  # what a type checker refuses and a file may hold


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Float(2.0, 1.0), ["`low <= high` must hold", "low=2.0", "high=1.0", "swap"]),
        (lambda: Int(2, 1), ["`low <= high` must hold", "low=2", "high=1"]),
        (lambda: Float(0.0, 1.0, log=True), ["`low > 0`", "low=0.0", "`log`"]),
        (lambda: Float(-1.0, 1.0, log=True), ["`low > 0`", "low=-1.0"]),
        (lambda: Int(0, 8, log=True), ["`low > 0`", "low=0"]),
        (lambda: Float(NAN, 1.0), ["`low`", "finite", "nan"]),
        (lambda: Float(0.0, NAN), ["`high`", "finite", "nan"]),
        (lambda: Float(0.0, INFINITY), ["`high`", "finite", "inf"]),
        (lambda: Float(-INFINITY, 0.0), ["`low`", "finite", "-inf"]),
        (lambda: Float(0.0, 1.0, default=NAN), ["`default`", "finite", "nan"]),
        (lambda: Float(WRONG, 1.0), ["`low`", "number", "'wrong'"]),
        (lambda: Float(low=True, high=2.0), ["`low`", "number", "True"]),
        (lambda: Float(0.0, 1.0, default=2.0), ["`low <= default <= high`", "default=2.0", "0.0 .. 1.0"]),
        (lambda: Int(1, 8, default=0), ["`low <= default <= high`", "default=0"]),
        (lambda: Int(1, 8.0), ["`high`", "whole number", "8.0"]),  # type: ignore[arg-type]
        (lambda: Int(1, high=True), ["`high`", "whole number", "True"]),
        (lambda: Int(1, 8, default=2.5), ["`default`", "whole number", "2.5"]),  # type: ignore[arg-type]
        (lambda: Prior(1.0, 0.0), ["width", "positive", "0.0", "leave the prior out"]),
        (lambda: Prior(1.0, NAN), ["width", "finite", "nan"]),
        (lambda: Prior(INFINITY, 1.0), ["centre", "finite", "inf"]),
        (lambda: Prior(WRONG, 1.0), ["centre", "number", "'wrong'"]),
        (lambda: Float(0.1, 1.0, log=True, prior=Prior(-1.0, 1.0)), ["log scale", "centre", "-1.0"]),
        (lambda: Categorical(()), ["`choices`", "at least one value", "empty"]),
        (lambda: Categorical(("a", "b", "a")), ["must differ", "'a', 'b', 'a'", "twice"]),
        (lambda: Categorical((1, True)), ["must differ", "[1, True]", "one value"]),
        (lambda: Categorical((1, 1.0)), ["must differ", "[1, 1.0]"]),
        (lambda: Categorical((0, False)), ["must differ", "[0, False]"]),
        (lambda: Categorical(("a", NAN)), ["finite number", "nan"]),
        (lambda: Categorical(("a", None)), ["a string, a finite number or a boolean", "None"]),  # type: ignore[arg-type]
        (lambda: Categorical((["a"],)), ["a string, a finite number or a boolean", "['a']"]),  # type: ignore[arg-type]
        (lambda: Categorical(("a", "b"), default="c"), ["`default` must be one of ['a', 'b']", "'c'"]),
        (lambda: Choice({}), ["at least one branch", "empty"]),
        (lambda: Choice({"a": 0.1}), ["branch 'a'", "0.1", "Group()"]),  # type: ignore[dict-item]
        (lambda: Choice({"a": AB}, default="b"), ["`default` must be one of ['a']", "'b'"]),
        (lambda: Choice({"a.b": AB}), ["without a dot", "'a.b'", "rename"]),
        (lambda: Choice({"": AB}), ["string without a dot", "''"]),
        (lambda: Choice({True: AB}), ["string without a dot", "True"]),  # type: ignore[dict-item]
        (lambda: Choice({"a": Group(class_path="p.C")}), ["'a' has a class_path", "`target`", "optimizer"]),
        (lambda: Group({"set": Int(1, 2)}), ["'set' is no name", "'class_path', 'set'", "rename"]),
        (lambda: Group({"class_path": Int(1, 2)}), ["'class_path' is no name"]),
        (lambda: Group({"choices": Int(1, 2)}), ["'choices' is no name"]),
        (lambda: Group({"": Int(1, 2)}), ["'' is no name", "empty part"]),
        (lambda: Group({"a..b": Int(1, 2)}), ["'a..b' is no name", "empty part"]),
        (lambda: Group({"a.": Int(1, 2)}), ["'a.' is no name"]),
        (lambda: Group({1: Int(1, 2)}), ["1 is no name", "string"]),  # type: ignore[dict-item]
        (lambda: Group(set={"a.": 1}), ["`set`", "'a.'", "model.init_args"]),
        (lambda: Group(set={"a": object()}), ["`set`", "plain data", "object"]),
        (lambda: Group(set={"a": {1: 2}}), ["`set`", "plain data", "{1: 2}"]),
        (lambda: Int(1, 2, when={"a": ()}), ["`when`", "at least one branch of a", "{a: [branch]}"]),
        (lambda: Int(1, 2, when={"a": "sgd"}), ["`when`", "'sgd'"]),  # type: ignore[dict-item]
        (lambda: Int(1, 2, target=""), ["`target`", "key of the configuration", "''"]),
        (lambda: Int(1, 2, target="model..x"), ["`target`", "'model..x'"]),
        (lambda: Int(1, 2, why=None), ["`why` must be a string", "None"]),  # type: ignore[arg-type]
    ],
)
def test_an_illegal_node_is_refused(make: Callable[[], object], words: list[str]) -> None:
    """The message holds the rule, what was given, and where it helps what to write."""
    with pytest.raises(IllegalSpace) as error:
        make()
    assert all(word in str(error.value) for word in words), str(error.value)


def test_a_space_is_frozen() -> None:
    """A node cannot be changed once it is made."""
    node = Float(0.0, 1.0)
    with pytest.raises(FrozenInstanceError):
        node.low = 2.0  # type: ignore[misc]


def test_an_error_is_one_sentence_and_fits_its_builtin() -> None:
    """An illegal space is a ValueError of the project, and its text is its message."""
    with pytest.raises(
        ValueError, match=r"^`low <= high` must hold, but got low=2, high=1; swap them\.$"
    ) as error:
        Int(2, 1)
    assert isinstance(error.value, TunerError)


def test_a_range_may_be_a_single_point() -> None:
    """Low may equal high: what `fix` leaves."""
    assert Float(0.5, 0.5, log=True).low == 0.5
    assert Int(3, 3, default=3).high == 3
