"""What sets two definitions of one study apart, in words: trials of both could not be compared."""

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.space.describe import describe
from search_spaces.space.fingerprint import fingerprint
from search_spaces.space.nodes import Group
from studies.definition.study import StudyDefinition

# What may change: it says how much of the question is worked on, and when, and not what is asked.
CHANGEABLE = (
    "study.trials",
    "study.epochs",
    "study.hours",
    "study.priority",
    "study.retry",
    "study.confirm",
    "study.confirm_seeds",
    "study.notes",
)
_ABSENT = "nothing"


def first_change(old: StudyDefinition, new: StudyDefinition) -> str | None:
    """Say in which key two definitions first differ, and how; None where they ask the same question."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if was != now and key not in CHANGEABLE:
            return f"{key} was {was} and is {now}"
    return _space_change(old.space, new.space)


def _leaves(definition: StudyDefinition) -> Iterator[tuple[str, Any]]:
    for section, value in definition.to_data().items():
        if section != "space" and value is not None:
            yield from _walk(section, value)


def _walk(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inside in value.items():
            yield from _walk(f"{key}.{name}", inside)
    else:
        yield key, value


def _space_change(old: Group, new: Group) -> str | None:
    if fingerprint(old) == fingerprint(new):
        return None
    before = {row.name: row for row in describe(old)}
    after = {row.name: row for row in describe(new)}
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            return f"the space has lost {name}"
        if name not in before:
            return f"the space has gained {name}"
        if before[name].range != after[name].range:
            return f"{name} was {before[name].range} and is {after[name].range}"
        if before[name].when != after[name].when:
            return f"{name} existed when {before[name].when} and does when {after[name].when}"
    return "a value of the space fills another key"
