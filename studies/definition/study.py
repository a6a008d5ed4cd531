"""A study's definition: the question, as a frozen value that is made once and kept in the ledger."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from search_spaces.space.nodes import Group
from search_spaces.space.notation import from_data, to_data
from studies.definition.classes import (
    ClassConfig,
    make_pruner,
    make_sampler,
    refuse_unrepeatable,
    refuse_without_rungs,
)
from studies.definition.plain_yaml import LARGEST
from studies.definition.repetition import FOLD, FOLDS, Repetition
from studies.definition.settings import StudySettings, problems, read_settings
from studies.definition.space_section import epochs_of, read_space
from studies.definition.study_file import FIXED_SECTIONS, StudyFile
from studies.errors import BadClass, StudyFileError

_LONGEST = 60  # characters that a message shows of a value

Expose = Callable[[str, int | None], Group | None]  # class path of a module, epochs of a trial -> its space


@dataclass(frozen=True)
class StudyDefinition:
    """Everything that makes a study: its settings, what is fixed, what varies, how the next trial is chosen.

    `fixed` holds LightningCLI's sections. `sampler` and `pruner` are classes with arguments, or None for the
    defaults. All of it is plain data, and comes back from JSON as it went in.

    A study that trains some trials of another again has those as its `candidates`, each `{"trial": number,
    "values": {...}}`. Its slots go through them in turns: slot `s` is of candidate `s % turn`. One with
    `keeps: true` has the weights of all its repeats kept.

    `earlier_spaces` are the versions that the space had before, the oldest first. A trial names the version
    that it was asked under.
    """

    settings: StudySettings
    fixed: Mapping[str, Any]
    space: Group
    sampler: ClassConfig | None = None
    pruner: ClassConfig | None = None
    candidates: Sequence[Mapping[str, Any]] = ()
    earlier_spaces: Sequence[Group] = ()

    @property
    def version(self) -> int:
        """The version of the space that trials are asked under, counted from 1."""
        return len(self.earlier_spaces) + 1

    def space_of(self, version: int) -> Group:
        """Give a version of the space, counted from 1.

        Raises:
            IndexError: there is none of that number.
        """
        if version < 1:
            raise IndexError(version)
        return (*self.earlier_spaces, self.space)[version - 1]

    @property
    def keeps_all(self) -> bool:
        """Whether the weights of every completed trial are kept, and not only those of the best."""
        return any(candidate.get("keeps") is True for candidate in self.candidates)

    @property
    def turn(self) -> int:
        """After how many slots the same candidate comes again; 1 where nothing is repeated."""
        return len(self.candidates) or 1

    def to_data(self) -> dict[str, Any]:
        """Write the definition as plain data, for the ledger."""
        return {
            "study": asdict(self.settings),
            **self.fixed,
            "space": to_data(self.space),
            "sampler": self.sampler,
            "pruner": self.pruner,
            **({"candidates": list(self.candidates)} if self.candidates else {}),
            **({"earlier_spaces": list(map(to_data, self.earlier_spaces))} if self.earlier_spaces else {}),
        }

    @classmethod
    def from_data(cls, data: object) -> "StudyDefinition":
        """Read what `to_data` wrote.

        Raises:
            ValueError: it is none that this version wrote; the message says where.
        """
        whole = _mapping(data, "it", known=_KEYS)
        _check_numbers(whole, "")
        for section in ("sampler", "pruner"):
            given = whole.get(section)
            if given is not None and not isinstance(_mapping(given, section).get("class_path"), str):
                raise ValueError(f"{section}.class_path is {_shown(given)}")
        candidates = whole.get("candidates", ())
        if not isinstance(candidates, list | tuple):
            raise TypeError(f"candidates is {_shown(candidates)}")
        earlier = whole.get("earlier_spaces", ())
        if not isinstance(earlier, list | tuple):
            raise TypeError(f"earlier_spaces is {_shown(earlier)}")
        for candidate in candidates:
            _mapping(_mapping(candidate, "candidates").get("values"), "candidates.values")
        return cls(
            settings=_settings(whole.get("study")),
            fixed={
                # A class may stand there by its name alone.
                section: given if isinstance(given := whole[section], str) else _mapping(given, section)
                for section in FIXED_SECTIONS
                if section in whole
            },
            space=from_data(_mapping(whole.get("space"), "space")),
            sampler=whole.get("sampler"),
            pruner=whole.get("pruner"),
            candidates=tuple(candidates),
            earlier_spaces=tuple(from_data(_mapping(space, "earlier_spaces")) for space in earlier),
        )


_KEYS = frozenset({"study", *FIXED_SECTIONS, "space", "sampler", "pruner", "candidates", "earlier_spaces"})


def _mapping(data: object, name: str, known: Collection[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise TypeError(f"{name} is {_shown(data)}")
    unknown = set() if known is None else set(data) - set(known)
    if unknown:
        raise ValueError(f"{min(map(str, unknown))} is not known")
    return data


def _settings(data: object) -> StudySettings:
    kinds = get_type_hints(StudySettings)
    section = _mapping(data, "study", known=kinds)
    for key, value in section.items():
        if not _is_of(value, kinds[key]):
            raise TypeError(f"study.{key} is {_shown(value)}")
    settings = StudySettings(**section)
    for key, problem in problems(settings).items():
        if key != "name":  # what a study of the database is called is no path
            raise ValueError(f"study.{key} {problem}")
    return settings


def _check_numbers(data: object, key: str) -> None:
    """Refuse numbers that no study file may hold, since the database may have been written to by anyone."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            _check_numbers(value, f"{key}.{name}".lstrip("."))
    elif isinstance(data, list | tuple):
        for value in data:
            _check_numbers(value, key)
    elif isinstance(data, int) and abs(data) >= LARGEST:
        raise ValueError(f"{key} is a whole number of more than 64 bits")
    elif isinstance(data, float) and math.isnan(data):
        raise ValueError(f"{key} is NaN, which equals no number")


def _is_of(value: object, kind: Any) -> bool:
    """Say whether a value that came from JSON is of the type of a field."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return value in parts
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_is_of(item, parts[0]) for item in value)
    if get_origin(kind) is dict:
        return isinstance(value, Mapping) and all(
            _is_of(key, parts[0]) and _is_of(item, parts[1]) for key, item in value.items()
        )
    if parts:
        return any(_is_of(value, part) for part in parts)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float if kind is float else kind)


def _shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def define(file: StudyFile, expose: Expose, takes: Callable[[str], bool] | None = None) -> StudyDefinition:
    """Make the definition that a study file describes.

    Args:
        file: the study file.
        expose: gives the space that a module exposes, for trials of so many epochs if that is known; called
            only where the file says `use: model` or names no space.
        takes: says whether the module and the data take a key; None where nobody has looked at them.

    Raises:
        StudyFileError: something is wrong; the message names the file, the key and the remedy.
    """
    settings = read_settings(file)
    fixed = {section: file.data[section] for section in FIXED_SECTIONS if file.data.get(section) is not None}
    model = fixed.get("model") or {}
    if not isinstance(model.get("class_path"), str):
        raise StudyFileError(
            file.source,
            "model.class_path",
            "is missing; name the LightningModule to tune, such as package.module.MyModule.",
        )
    one = epochs_of(file)
    repetition = Repetition.of(settings.repeats)
    if settings.epochs is not None and one is not None and settings.epochs < one * repetition.count:
        what = "one training" if repetition.count == 1 else f"the {repetition.count} trainings of one trial"
        raise StudyFileError(
            file.source,
            "study.epochs",
            f"must pay for {what}, which is {one * repetition.count} epochs by the trainer section, but got "
            f"{settings.epochs:g}.",
        )
    if repetition.by_folds:
        _check_folds(file, takes)
    space = read_space(file, lambda: expose(model["class_path"], epochs_of(file)), takes)
    sampler, pruner = _read_class(file, "sampler"), _read_class(file, "pruner")
    try:
        if sampler is not None:
            made = make_sampler(sampler, seed=settings.seed)
            if settings.repeatable is not None:
                refuse_unrepeatable(made)
    except BadClass as error:
        raise StudyFileError(file.source, "sampler", str(error)) from error
    try:
        if pruner is not None:
            _check_pruner(pruner, settings)
    except BadClass as error:
        raise StudyFileError(file.source, "pruner", str(error)) from error
    return StudyDefinition(settings, fixed, space, sampler=sampler, pruner=pruner)


def _check_pruner(pruner: ClassConfig, settings: StudySettings) -> None:
    """Make a pruner once.

    Raises:
        BadClass: it cannot be made, or is none for such a study.
    """
    stopping = make_pruner(pruner)
    if settings.repeatable is not None:
        refuse_unrepeatable(stopping)
    if settings.stop_exploring:
        refuse_without_rungs(pruner)


def _check_folds(file: StudyFile, takes: Callable[[str], bool] | None) -> None:
    """Refuse folds of data that offer none.

    Raises:
        StudyFileError: there is no data section, or its class takes no `fold` and `folds`.
    """
    offers = file.data.get("data") and (
        takes is None or all(takes(f"data.init_args.{name}") for name in (FOLD, FOLDS))
    )
    if not offers:
        raise StudyFileError(
            file.source,
            "study.repeats",
            f"asks for folds, but the data offer none: a data module whose constructor takes `{FOLD}` and "
            f"`{FOLDS}` does, such as tuner.data.Table; else write `repeats: {{seeds: 3}}`.",
        )


def _read_class(file: StudyFile, section: str) -> dict[str, Any] | None:
    given = file.data.get(section)
    if given is None:
        return None
    if isinstance(given, str):
        given = {"class_path": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("class_path"), str):
        raise StudyFileError(
            file.source,
            section,
            f"must be {{class_path: optuna.{section}s.SomeClass, init_args: {{...}}}}, but got {given!r}.",
        )
    unknown = set(given) - {"class_path", "init_args"}
    if unknown:
        raise StudyFileError(
            file.source,
            f"{section}.{min(unknown)}",
            "is not known; put the class's arguments under `init_args`.",
        )
    arguments = given.get("init_args") or {}
    if not isinstance(arguments, Mapping):
        raise StudyFileError(
            file.source, f"{section}.init_args", f"must map arguments to values, but got {arguments!r}."
        )
    return {"class_path": given["class_path"], "init_args": dict(arguments)}
