"""The `study` section of a study file."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser

from studies.definition.limits import RULE, limits_of
from studies.definition.repetition import RULE as REPEATS_RULE
from studies.definition.repetition import Repetition
from studies.definition.study_file import StudyFile, suggestion
from studies.errors import StudyFileError

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # names that can be a folder's as they stand
_LONGEST = 100  # characters of a name
_LONGEST_NOTES = 2000  # characters
_MOST = 2**31 - 1  # every database holds it as a whole number, and every library takes it for a seed
# Numbers with another bound: torch takes no more threads, and so many trials take three hundred years.
_BOUNDS = {"threads": 2**15 - 1, "trials": 10**12}
_REQUIRED = {
    "name": "such as `name: digits`",
    "metric": "the name that the module logs, such as `metric: val_loss`",
}


@dataclass(frozen=True)
class StudySettings:
    """What is asked of a study.

    A study takes no new trial once its `trials`, its `epochs` or its `hours` are spent, whichever comes
    first: epochs and hours of training are summed over all trials and workers, and a trial on several
    devices counts its hours on each. Workers that serve every study take those of higher `priority` first.
    With `retry` a trial that ran out of memory or time is tried once more before it spends its slot.

    `score` says which of a trial's validations counts. `exploration` is the share of slots that are
    quasi-random; they run to their end, but with `stop_exploring` chance stops them where halving stops
    others. A metric beyond `diverged_beyond`, in the wrong direction, counts as
    divergence, as NaN and infinity always do. `threads` is how many threads torch computes with on the CPU,
    all cores where it is None: the last digits of a score depend on it, and small models are fastest with
    one. A trial that trains for longer than `trial_timeout` seconds is ended. With `facts` each trial keeps
    a few numbers of its training, by which it can be called unstable or too slow. With `repeatable: K` the
    trial of a slot is chosen, and stopped, by the results of the slots up to K before it, whoever works: up
    to K workers come to the same trials on every run. At the end `tuner run`
    trains the `confirm` best trials again, each on `confirm_seeds` fresh seeds, and recommends the best.
    With `repeats` each trial is trained on several seeds, or once on each fold of the data, and its score is
    the mean; with `racing` one that surely is not the best is not trained again.
    Each trial keeps the metrics that `keep_metrics` names beside its score. `limits` says which values a
    metric may have: a trial that breaks a limit is never the best, and the sampler avoids its like.
    `notes` say in plain words what the study asks; report and status show them.
    """

    name: str
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
    trials: int = 60
    seed: int = 0
    exploration: float = 0.25
    stop_exploring: bool = False
    score: Literal["best", "last"] = "best"
    diverged_beyond: float | None = None
    threads: int | None = None
    epochs: float | None = None
    hours: float | None = None
    priority: int = 0
    retry: bool = True
    facts: bool = True
    trial_timeout: float | None = None
    repeatable: int | None = None
    confirm: int = 0
    confirm_seeds: int = 3
    repeats: dict[str, int] | None = None
    racing: bool = True
    keep_metrics: list[str] | None = None
    limits: dict[str, str] | None = None
    notes: str | None = None


def read_settings(file: StudyFile) -> StudySettings:
    """Read the `study` section of a study file.

    Raises:
        StudyFileError: a key is unknown or missing, or a value is not what it must be.
    """
    section = file.data.get("study") or {}
    known = [field.name for field in fields(StudySettings)]
    for key in section:
        if key not in known:
            raise StudyFileError(file.source, f"study.{key}", f"is not known; {suggestion(str(key), known)}")
    for key, remedy in _REQUIRED.items():
        if section.get(key) is None:
            raise StudyFileError(file.source, f"study.{key}", f"is missing; write {remedy}.")
    settings = _typed(file, dict(section))
    _check(file, settings)
    return settings


def _typed(file: StudyFile, section: dict[str, object]) -> StudySettings:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--study", type=StudySettings)
    for field in fields(StudySettings):
        if field.name not in section:
            continue
        given = section[field.name]
        try:  # one by one, so that the message names the key
            parser.parse_object({"study": {"name": "a", "metric": "b", field.name: given}})
        except ArgumentError as error:
            wanted = _in_words(field.type)
            raise StudyFileError(
                file.source, f"study.{field.name}", f"must be {wanted}, but got {given!r}."
            ) from error
    settings: StudySettings = parser.instantiate(parser.parse_object({"study": section})).study
    return settings


_KINDS: tuple[tuple[object, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (str, "a string"),
    (str | None, "a string"),
    (list[str] | None, "a list of names"),
    (dict[str, int] | None, REPEATS_RULE.removeprefix("must be ")),
    (dict[str, str] | None, RULE.removeprefix("must be ")),
)


def _in_words(kind: object) -> str:
    for known, words in _KINDS:
        if kind == known:
            return words
    options = getattr(kind, "__args__", ())
    return (
        " or ".join(map(str, options)) if options and all(isinstance(o, str) for o in options) else "a number"
    )


def _check(file: StudyFile, settings: StudySettings) -> None:
    for key, problem in problems(settings).items():
        raise StudyFileError(file.source, f"study.{key}", f"{problem}.")


def problems(settings: StudySettings) -> dict[str, str]:
    """Say what is wrong with each setting that breaks a rule: the rule, and what was given."""
    rules = (*_sizes(settings).items(), *_rules(settings).items())
    return {key: f"{rule}, but got {_shown(settings, key)}" for key, (holds, rule) in rules if not holds}


def _shown(settings: StudySettings, key: str) -> str:
    shown = repr(getattr(settings, key))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _sizes(settings: StudySettings) -> dict[str, tuple[bool, str]]:
    """Give for each number whether databases and libraries can hold it, and the rule."""
    numbers = {field.name: getattr(settings, field.name) for field in fields(StudySettings)}
    return {
        key: (abs(value) <= _BOUNDS.get(key, _MOST), f"must be a number up to {_BOUNDS.get(key, _MOST)}")
        for key, value in numbers.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "diverged_beyond"
    }


def _rules(settings: StudySettings) -> dict[str, tuple[bool, str]]:
    """Give for each key whether its value keeps the rule, and the rule."""
    return {
        "name": (
            len(settings.name) <= _LONGEST and bool(PLAIN.fullmatch(settings.name)),
            "names a folder, so it must be up to 100 letters, digits, `.`, `_`, `-`, a letter or digit first",
        ),
        "notes": (
            settings.notes is None or len(settings.notes) <= _LONGEST_NOTES,
            f"must be up to {_LONGEST_NOTES} characters",
        ),
        "metric": (bool(settings.metric.strip()), "must name a metric that the module logs"),
        "trials": (settings.trials >= 1, "must be at least 1"),
        "seed": (settings.seed >= 0, "must be at least 0"),
        "threads": (settings.threads is None or settings.threads >= 1, "must be at least 1"),
        "epochs": (settings.epochs is None or settings.epochs > 0, "must be more than 0"),
        "hours": (settings.hours is None or settings.hours > 0, "must be more than 0"),
        "trial_timeout": (
            settings.trial_timeout is None or settings.trial_timeout > 0,
            "must be more than 0 seconds",
        ),
        "repeatable": (settings.repeatable is None or settings.repeatable >= 1, "must be at least 1"),
        "keep_metrics": (
            all(name.strip() and len(name) <= _LONGEST for name in settings.keep_metrics or ()),
            "must list names of metrics that the module logs",
        ),
        "limits": (_holds(limits_of, settings.limits), RULE),
        "repeats": (_holds(Repetition.of, settings.repeats), REPEATS_RULE),
        "confirm": (settings.confirm >= 0, "must be at least 0"),
        "confirm_seeds": (settings.confirm_seeds >= 1, "must be at least 1"),
        "exploration": (0.0 <= settings.exploration <= 1.0, "must lie between 0 and 1"),
        "diverged_beyond": (
            settings.diverged_beyond is None or math.isfinite(settings.diverged_beyond),
            "must be a finite number, since infinity and NaN always count as divergence",
        ),
    }


def _holds(read: Callable[[Any], object], given: Any) -> bool:
    """Say whether a setting can be read."""
    try:
        read(given)
    except ValueError:
        return False
    return True
