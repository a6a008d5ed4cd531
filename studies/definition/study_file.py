"""Reading a study file: plain data, `--set` applied, sections known, and every mistake located."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from studies.definition.plain_yaml import DEEPEST, LONGEST, load_yaml
from studies.errors import StudyFileError

# LightningCLI's, and `cli`, which names a subclass of it whose links and defaults a training has.
FIXED_SECTIONS = ("cli", "trainer", "model", "data", "optimizer", "lr_scheduler")
SECTIONS = ("study", *FIXED_SECTIONS, "space", "sampler", "pruner")
SPACE_VERBS = ("narrow", "fix", "add", "replace")  # each maps whole parameter names, dots and all

_MAPPINGS = ("study", "model", "trainer", "space")  # sections that can be nothing else


@dataclass(frozen=True)
class StudyFile:
    """A study file as read.

    `source` names it in messages, `text` is its verbatim content. `data`, its sections, is what JSON can
    hold, so that a study compares equal to what the database gives back. `changed` are the keys that `--set`
    named, from their section on.
    """

    source: str
    text: str
    data: Mapping[str, Any]
    changed: frozenset[str] = frozenset()

    def is_changed(self, key: str) -> bool:
        """Say whether `--set` has named a key, or what holds it."""
        return any(key == named or key.startswith(f"{named}.") for named in self.changed)


def read_study_file(path: Path, overrides: Sequence[str] = ()) -> StudyFile:
    """Read a study file and apply `--set key=value` overrides to it.

    Raises:
        StudyFileError: the file cannot be read, is no YAML, or holds an unknown section.
    """
    if path.suffix in (".csv", ".parquet"):
        raise StudyFileError(
            str(path),
            "",
            "is a table and no study file; type `tuner validate table --set "
            f"{shlex.quote(f'path={path}')} --set target=COLUMN`, with the column to predict.",
        )
    try:
        with path.open(encoding="utf-8-sig") as file:  # some editors begin a file with a byte order mark
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError too
        reason = error.strerror if isinstance(error, OSError) else "It is not UTF-8 text"
        raise StudyFileError(
            str(path),
            "",
            f"the study file cannot be read: {reason}; check the path, `tuner run digits` needs none.",
        ) from error
    return parse_study_file(text, source=str(path), overrides=overrides)


def overrides_of(given: Sequence[str], name: str | None, trials: int | None) -> tuple[str, ...]:
    """Write a name and a number of trials as changes of the study file, beside those that are given."""
    called = () if name is None else (f"study.name={json.dumps(name)}",)
    counted = () if trials is None else (f"study.trials={trials}",)
    return (*given, *called, *counted)


def parse_study_file(text: str, *, source: str, overrides: Sequence[str] = ()) -> StudyFile:
    """Parse the text of a study file; `source` is what messages call it.

    Raises:
        StudyFileError: the text is no YAML, or holds an unknown section.
    """
    data = load_yaml(text, source=source)
    if data is None:
        raise StudyFileError(
            source, "", "the study file is empty; write at least `study`, `model` and `data`."
        )
    if not isinstance(data, dict):
        kind = "list" if isinstance(data, list) else "single value"
        raise StudyFileError(
            source,
            "",
            f"a study file maps sections to what they hold, but this is a {kind}; begin with `study:`.",
        )
    changed = frozenset(_apply(data, override) for override in overrides)
    for section, held in data.items():
        if section not in SECTIONS:
            raise StudyFileError(
                source, section, f"is no section of a study file; {suggestion(section, SECTIONS)}"
            )
        if section in _MAPPINGS and held is not None and not isinstance(held, dict):
            raise StudyFileError(source, section, f"must map keys to values, but got {held!r}.")
    return StudyFile(source, text, data, changed)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Write the end of a sentence about an unknown name: the nearest known one, or all of them."""
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."


def _apply(data: dict[str, Any], override: str) -> str:
    """Apply one override, and give its key, from the section on."""
    key, equals, text = override.partition("=")
    parts = _split(key.strip())
    if not equals or not all(parts) or len(parts) > DEEPEST:
        raise StudyFileError("--set", override, "must look like key=value, such as study.trials=100.")
    if len(parts) == 1 and parts[0] not in SECTIONS and isinstance(data.get("data"), dict):
        parts = ["data", "init_args", *parts]  # an argument of the data, whose class says if there is none
    place = data
    for part in parts[:-1]:
        if place.get(part) is None:
            place[part] = {}
        inside = place[part]
        if not isinstance(inside, dict):
            raise StudyFileError(
                "--set",
                key,
                f"{part} is {inside!r}, not a mapping, so nothing can be set inside it; set {part} itself.",
            )
        place = inside
    place[parts[-1]] = load_yaml(text, source=f"--set {key}")
    return ".".join(parts)


def _split(key: str) -> list[str]:
    parts = key.split(".")
    match parts:
        case ["space", verb, *name] if name and verb in SPACE_VERBS:
            return ["space", verb, ".".join(name)]
    return parts
