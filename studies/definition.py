"""A study's definition: the question, as a frozen value that is made once and kept in the ledger."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser

from search_spaces.algebra import extend, fix, narrow, replace
from search_spaces.catalogue import CATALOGUE, named_space
from search_spaces.configuration import unreachable
from search_spaces.errors import TunerError
from search_spaces.notation import from_data, group_from_data, is_node, node_from_data, to_data
from search_spaces.space import Group
from studies.errors import StudyFileError
from studies.study_file import FIXED_SECTIONS, SPACE_VERBS, StudyFile, suggestion

ClassConfig = Mapping[str, Any]  # {"class_path": ..., "init_args": {...}}
Expose = Callable[[str], Group | None]  # class path of a module -> the space that it exposes, if any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # it becomes a folder
_NARROW_KEYS = ("low", "high", "choices", "default")


@dataclass(frozen=True)
class StudySettings:
    """The `study` section.

    `score` says which of a trial's validations counts. `exploration` is the share of slots that are quasi-random and run to
    their end. A metric beyond `diverged_beyond`, in the wrong direction, counts as divergence, as NaN and infinity always do.
    """

    name: str
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
    trials: int = 60
    seed: int = 0
    exploration: float = 0.25
    score: Literal["best", "last"] = "best"
    diverged_beyond: float | None = None


@dataclass(frozen=True)
class StudyDefinition:
    """Everything that makes a study: its settings, what is fixed, what varies, and how the next trial is chosen.

    `fixed` holds LightningCLI's sections. `sampler` and `pruner` are classes with arguments, or None for the defaults.
    """

    settings: StudySettings
    fixed: Mapping[str, Any]
    space: Group
    sampler: ClassConfig | None = None
    pruner: ClassConfig | None = None

    def to_data(self) -> dict[str, Any]:
        """Write the definition as plain data, for the ledger."""
        return {
            "study": asdict(self.settings),
            **self.fixed,
            "space": to_data(self.space),
            "sampler": self.sampler,
            "pruner": self.pruner,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "StudyDefinition":
        """Read what `to_data` wrote."""
        return cls(
            settings=StudySettings(**data["study"]),
            fixed={section: data[section] for section in FIXED_SECTIONS if section in data},
            space=from_data(data["space"]),
            sampler=data["sampler"],
            pruner=data["pruner"],
        )


def define(file: StudyFile, expose: Expose) -> StudyDefinition:
    """Make the definition that a study file describes.

    Args:
        file: the study file.
        expose: gives the space that a module exposes; called only where the file says `use: model` or names no space.

    Raises:
        StudyFileError: something is wrong; the message names the file, the key and the remedy.
    """
    data = file.data
    settings = _settings(file)
    fixed = {section: data[section] for section in FIXED_SECTIONS if data.get(section) is not None}
    model = fixed.get("model")
    if not isinstance(model, Mapping) or not isinstance(model.get("class_path"), str):
        raise StudyFileError(
            file.source, "model.class_path", "is missing; name the LightningModule to tune, such as package.module.MyModule."
        )
    space = _space(file, lambda: expose(model["class_path"]))
    astray = unreachable(space)
    if astray:
        raise StudyFileError(
            file.source, f"space: {astray[0]}",
            "is searched, but its value goes nowhere; give it a `target`, such as `target: model.init_args.width`, "
            "or call it by the key that it fills.",
        )  # fmt: skip
    return StudyDefinition(settings, fixed, space, sampler=_class(file, "sampler"), pruner=_class(file, "pruner"))


def _settings(file: StudyFile) -> StudySettings:
    section = file.data.get("study") or {}
    known = [field.name for field in fields(StudySettings)]
    for key in section:
        if key not in known:
            raise StudyFileError(file.source, f"study.{key}", f"is not known; {suggestion(str(key), known)}")
    for key, remedy in {"name": "such as `name: digits`", "metric": "the name that the module logs, such as `metric: val_loss`"}.items():
        if section.get(key) is None:
            raise StudyFileError(file.source, f"study.{key}", f"is missing; write {remedy}.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--study", type=StudySettings)
    try:
        settings: StudySettings = parser.instantiate(parser.parse_object({"study": dict(section)})).study
    except ArgumentError as error:
        key = next((k for k in section if f'"study.{k}"' in str(error)), "")
        wanted = next((field.type for field in fields(StudySettings) if field.name == key), "")
        raise StudyFileError(file.source, f"study.{key}", f"must be {_words(wanted)}, but got {section.get(key)!r}.") from error
    _check(file, settings)
    return settings


def _words(kind: object) -> str:
    if kind is int:
        return "a whole number"
    if kind is str:
        return "a string"
    options = getattr(kind, "__args__", ())
    return " or ".join(map(str, options)) if options and all(isinstance(o, str) for o in options) else "a number"


def _check(file: StudyFile, settings: StudySettings) -> None:
    rules = {
        "name": (bool(_NAME.fullmatch(settings.name)), "must be letters, digits, `.`, `_` or `-`, since it names a folder"),
        "metric": (bool(settings.metric), "must name a metric that the module logs"),
        "trials": (settings.trials >= 1, "must be at least 1"),
        "seed": (settings.seed >= 0, "must be at least 0"),
        "exploration": (0.0 <= settings.exploration <= 1.0, "must lie between 0 and 1"),
        "diverged_beyond": (
            settings.diverged_beyond is None or math.isfinite(settings.diverged_beyond),
            "must be a finite number; infinity and NaN always count as divergence",
        ),
    }
    for key, (holds, rule) in rules.items():
        if not holds:
            raise StudyFileError(file.source, f"study.{key}", f"{rule}, but got {getattr(settings, key)!r}.")


def _class(file: StudyFile, section: str) -> ClassConfig | None:
    given = file.data.get(section)
    if given is None:
        return None
    if isinstance(given, str):
        given = {"class_path": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("class_path"), str):
        raise StudyFileError(
            file.source, section, f"must be {{class_path: optuna.{section}s.SomeClass, init_args: {{...}}}}, but got {given!r}."
        )
    unknown = set(given) - {"class_path", "init_args"}
    if unknown:
        raise StudyFileError(file.source, f"{section}.{min(unknown)}", "is not known; put the class's arguments under `init_args`.")
    return {"class_path": given["class_path"], "init_args": dict(given.get("init_args") or {})}


def _space(file: StudyFile, exposed: Callable[[], Group | None]) -> Group:
    spec = file.data.get("space") or {}
    known = ("use", *SPACE_VERBS)
    for key in spec:
        if key not in known:
            raise StudyFileError(file.source, f"space.{key}", f"is not known; {suggestion(str(key), known)}")
    space = _used(file, spec.get("use", "model" if "add" not in spec else None), exposed)
    for verb in ("replace", "add", "narrow", "fix"):
        changes = spec.get(verb) or {}
        if not isinstance(changes, Mapping):
            raise StudyFileError(file.source, f"space.{verb}", f"must map parameters to what is changed, but got {changes!r}.")
        for name, change in changes.items():
            try:
                space = _CHANGES[verb](space, str(name), change)
            except TunerError as error:
                raise StudyFileError(file.source, f"space.{verb}", str(error)) from error
    if not space.children:
        raise StudyFileError(file.source, "space", "nothing varies; write `use: recipe.quick`, or `add` parameters.")
    return space


def _used(file: StudyFile, use: object, exposed: Callable[[], Group | None]) -> Group:
    if use is None:
        return Group()
    if use == "model":
        space = exposed()
        if space is None:
            raise StudyFileError(
                file.source, "space.use",
                f"the module exposes no space; give it a static method `search_space()`, or use one of {', '.join(CATALOGUE)}.",
            )  # fmt: skip
        return space
    try:
        return named_space(str(use))
    except TunerError as error:
        raise StudyFileError(file.source, "space.use", str(error)) from error


def _narrowed(space: Group, name: str, change: Any) -> Group:
    if not isinstance(change, Mapping) or not set(change) <= set(_NARROW_KEYS):
        raise StudyValueError(f"{name} is narrowed by {{low: ..., high: ...}} or {{choices: [...]}}, but got {change!r}.")
    for bound in ("low", "high"):
        value = change.get(bound)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise StudyValueError(f"{name}.{bound} must be a number, but got {value!r}.")
    if not isinstance(change.get("choices") or [], list):
        raise StudyValueError(f"{name}.choices must be a list, but got {change['choices']!r}.")
    return narrow(space, name, **change)


def _added(space: Group, name: str, change: Any) -> Group:
    if is_node(change):
        return extend(space, name, node_from_data(change, path=name))
    return extend(space, name, group_from_data(change, path=name))


def _replaced(space: Group, name: str, change: Any) -> Group:
    return replace(space, name, node_from_data(change, path=name))


class StudyValueError(TunerError, ValueError):
    """A value in the `space` section is of the wrong form; `define` adds the file and the key."""


_CHANGES: Mapping[str, Callable[[Group, str, Any], Group]] = {
    "narrow": _narrowed,
    "fix": fix,
    "add": _added,
    "replace": _replaced,
}
