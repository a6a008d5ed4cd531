"""YAML 1.2 as plain data, within bounds: what takes a kilobyte to write must not take a gigabyte to read.

YAML 1.2 and not PyYAML's 1.1, in which `1e-3` is a string and `no` is false.
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from studies.errors import StudyFileError

LONGEST = 64_000  # characters of a study file; reading them takes less than a second
DEEPEST = 64  # levels of mappings and lists
_MOST = 100_000  # values, where an alias counts as all that it stands for
LARGEST = 2**63  # beyond every whole number that databases and libraries take
_FLOAT = "tag:yaml.org,2002:float"


def load_yaml(text: str, *, source: str) -> Any:
    """Load YAML 1.2 into plain dictionaries, lists and scalars.

    Raises:
        StudyFileError: the text is no YAML, holds what JSON cannot, or is larger than any study.
    """
    if len(text) > LONGEST:
        raise StudyFileError(
            source, "", f"is longer than the {LONGEST:,} characters that a study file may have; shorten it."
        )
    reader = YAML(typ="safe", pure=True)
    reader.max_depth = DEEPEST
    try:
        with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):
            node = reader.compose(text)  # an anchor may be given anew, YAML 1.2 says
        if node is None:
            return None
        _Bounds(source).check(node)
        return _plain(reader.constructor.construct_document(node), source, "")
    except DuplicateKeyError as error:
        problem = str(error.problem).split(" with value")[0].replace('"', "`")
        raise StudyFileError(
            source, "", f"is ambiguous{_line(error)}: {problem}; keep one of the two."
        ) from error
    except MarkedYAMLError as error:
        problem = str(error.problem or error.context or "it cannot be parsed").split("\n")[0]
        if isinstance(error, MaxDepthExceededError):
            problem = f"it is nested more than {DEEPEST} levels deep"
        raise StudyFileError(source, "", f"is not YAML{_line(error)}: {problem}; mend it there.") from error
    except YAMLError as error:
        problem = (str(error).splitlines() or ["it cannot be parsed"])[0]
        raise StudyFileError(source, "", f"is not YAML: {problem}; mend it there.") from error
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, AssertionError) as error:
        if isinstance(error, StudyFileError):
            raise
        # The parser stumbles over some texts that are no YAML, and Python refuses numbers of 5,000 digits.
        raise StudyFileError(
            source, "", f"is not YAML: {str(error)[:80] or 'it cannot be parsed'}."
        ) from error


class _Bounds:
    """Counts the values of a document before any is made."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: dict[int, int | None] = {}  # by node; None while it is being counted

    def check(self, node: Node) -> None:
        """Refuse a document that holds itself, or stands for more values than it may have."""
        self._count(node, 0)

    def _count(self, node: Node, depth: int) -> int:
        known = self._counts.get(id(node), 0)
        if known is None:
            raise self._refused(node, "what an alias stands for holds the alias itself; write it out")
        if known and depth + 1 < DEEPEST:
            return known
        if depth > DEEPEST:
            raise self._refused(node, f"it is nested more than {DEEPEST} levels deep; flatten it")
        self._counts[id(node)] = None
        total = 1 + sum(self._count(inside, depth + 1) for inside in self._inside(node))
        if total > _MOST:
            raise self._refused(node, f"it holds more than {_MOST:,} values; write fewer, or fewer aliases")
        self._counts[id(node)] = total
        return total

    def _inside(self, node: Node) -> list[Node]:
        if isinstance(node, MappingNode):
            for key, _ in node.value:
                if not isinstance(key, ScalarNode):
                    raise self._refused(key, "a key must be text or a number, and not a list or a mapping")
            return [part for pair in node.value for part in pair]
        if isinstance(node, SequenceNode):
            return list(node.value)
        self._check_number(node)
        return []

    def _check_number(self, node: Node) -> None:
        if node.tag != _FLOAT:
            return
        text = str(node.value).replace("_", "")
        if "n" in text.lower():  # .inf, .nan, which their writers mean
            if "nan" in text.lower():
                raise self._refused(node, "NaN equals no number; leave the key out, or write null")
        elif ":" not in text and math.isinf(float(text)):
            raise self._refused(node, f"{text[:40]} is beyond the largest number; write .inf for infinity")

    def _refused(self, node: Node, problem: str) -> StudyFileError:
        return StudyFileError(self._source, "", f"line {node.start_mark.line + 1}: {problem}.")


def _line(error: MarkedYAMLError) -> str:
    return f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""


def _plain(value: Any, source: str, key: str) -> Any:
    if isinstance(value, dict):
        return _plain_mapping(value, source, key)
    if isinstance(value, list):
        return [_plain(inside, source, key) for inside in value]
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise StudyFileError(source, key, "is a whole number of more than 64 bits; quote it if it is a text.")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise StudyFileError(
        source, key, f"must be text, a number, true, false, a list or a mapping, but got {value!r}; quote it."
    )


def _plain_mapping(value: Mapping[Any, Any], source: str, key: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for given, inside in value.items():
        name = _name(given)
        path = f"{key}.{name}".lstrip(".")
        if given is None:
            raise StudyFileError(source, key, "has a value without a key; write the key before the colon.")
        if name in plain:
            raise StudyFileError(
                source, path, "is written twice, as text and as a number; keep one of the two."
            )
        plain[name] = _plain(inside, source, path)
    return plain


def _name(key: object) -> str:
    # As JSON writes it: a study from the database must equal the one from the file.
    return key if isinstance(key, str) else str(key).lower() if isinstance(key, bool) else str(key)
