"""Reading a study file: YAML 1.2 into plain data, `--set` applied, sections known, and every mistake located.

YAML 1.2 and not PyYAML's 1.1, in which `1e-3` is a string and `no` is false.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from studies.errors import StudyFileError

FIXED_SECTIONS = ("trainer", "model", "data", "optimizer", "lr_scheduler")  # LightningCLI's
SECTIONS = ("study", *FIXED_SECTIONS, "space", "sampler", "pruner")
SPACE_VERBS = ("narrow", "fix", "add", "replace")  # each maps whole parameter names, dots and all


@dataclass(frozen=True)
class StudyFile:
    """A study file as read: `source` is its name for messages, `text` its verbatim content, `data` its sections."""

    source: str
    text: str
    data: Mapping[str, Any]


def read_study_file(path: Path, overrides: Sequence[str] = ()) -> StudyFile:
    """Read a study file and apply `--set key=value` overrides to it.

    Raises:
        StudyFileError: the file cannot be read, is no YAML, or holds an unknown section.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StudyFileError(str(path), "", f"the study file cannot be read: {reason}.") from error
    return parse_study_file(text, source=str(path), overrides=overrides)


def parse_study_file(text: str, *, source: str, overrides: Sequence[str] = ()) -> StudyFile:
    """Parse the text of a study file; `source` is what messages call it."""
    data = load_yaml(text, source=source)
    if data is None:
        raise StudyFileError(source, "", "the study file is empty; `tuner spaces` and the README show what one holds.")
    if not isinstance(data, dict):
        raise StudyFileError(source, "", f"a study file is a mapping of sections, but this is a {type(data).__name__}.")
    for override in overrides:
        _apply(data, override)
    for section in data:
        if section not in SECTIONS:
            raise StudyFileError(source, str(section), f"is no section of a study file; {suggestion(str(section), SECTIONS)}")
    for section in ("study", "model", "trainer", "space"):
        if section in data and not isinstance(data[section], dict):
            raise StudyFileError(source, section, f"must be a mapping of keys to values, but got {data[section]!r}.")
    return StudyFile(source, text, data)


def load_yaml(text: str, *, source: str) -> Any:
    """Load YAML 1.2 into plain dictionaries, lists and scalars."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = str(error.problem or error.context or "it cannot be parsed").split("\n")[0]
        raise StudyFileError(source, "", f"is not YAML{line}: {problem}.") from error
    except YAMLError as error:
        raise StudyFileError(source, "", f"is not YAML: {str(error).splitlines()[0]}.") from error


def suggestion(name: str, known: Sequence[str]) -> str:
    """Write the end of a sentence about an unknown name: the nearest known one, or all of them."""
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = _split(key.strip())
    if not equals or not all(parts):
        raise StudyFileError("--set", override, "must look like key=value, such as study.trials=100.")
    place = data
    for part in parts[:-1]:
        inside = place.setdefault(part, {})
        if not isinstance(inside, dict):
            raise StudyFileError("--set", key, f"{part} is {inside!r}, not a mapping, so nothing can be set inside it.")
        place = inside
    place[parts[-1]] = load_yaml(text, source=f"--set {key}")


def _split(key: str) -> list[str]:
    parts = key.split(".")
    if parts[0] == "space" and len(parts) > 2 and parts[1] in SPACE_VERBS:
        return [*parts[:2], ".".join(parts[2:])]
    return parts
