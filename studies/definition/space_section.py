"""The `space` section of a study file: a space that is used, and what is changed in it."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from search_spaces.catalogue.registry import CATALOGUE, named_space
from search_spaces.configuration import unreachable
from search_spaces.errors import IllegalSpace, TunerError
from search_spaces.space.algebra import extend, fix, narrow, replace
from search_spaces.space.fitting import without_untaken
from search_spaces.space.nodes import Float, Group, Int, Node
from search_spaces.space.notation import group_from_data, is_node, node_from_data, prior_from_data
from search_spaces.space.parameters import find, parameters
from studies.definition.length import TrialLength
from studies.definition.study_file import SPACE_VERBS, StudyFile, suggestion
from studies.errors import BadLength, StudyFileError

_NARROW_KEYS = ("low", "high", "choices", "default", "prior")


def read_space(
    file: StudyFile, exposed: Callable[[], Group | None], takes: Callable[[str], bool] | None = None
) -> Group:
    """Read the `space` section of a study file.

    Args:
        file: the study file.
        exposed: gives the space that the module exposes, if any; called only where the file wants it.
        takes: says whether the module and the data take a key; None where nobody has looked at them.

    Raises:
        StudyFileError: the section is wrong, nothing varies, or a value would go nowhere.
    """
    section = file.data.get("space") or {}
    known = ("use", "missing", *SPACE_VERBS)
    for key in section:
        if key not in known:
            raise StudyFileError(file.source, f"space.{key}", f"is not known; {suggestion(str(key), known)}")
    use = section.get("use", None if "add" in section else "model")
    space = _fitting(file, section, _used(file, use, exposed, epochs_of(file)), takes)
    verbs: Mapping[str, Callable[..., Group]] = {**_CHANGES, "narrow": partial(_narrowed, used=space)}
    for verb, change in verbs.items():
        changes = section.get(verb) or {}
        if not isinstance(changes, Mapping):
            raise StudyFileError(
                file.source, f"space.{verb}", f"must map parameters to what is changed, but got {changes!r}."
            )
        for name, what in changes.items():
            try:
                space = change(space, str(name), what)
            except TunerError as error:
                raise StudyFileError(file.source, f"space.{verb}", str(error)) from error
    if not space.children:
        raise StudyFileError(
            file.source, "space", "nothing varies; write `use: recipe.quick`, or `add` parameters."
        )
    for name in unreachable(space):
        raise StudyFileError(
            file.source,
            "space",
            f"{name} is searched, but its value goes nowhere; give it a `target`, such as "
            f"`target: model.init_args.width`, or call it by the key that it fills.",
        )
    return space


def _fitting(
    file: StudyFile, section: Mapping[str, Any], space: Group, takes: Callable[[str], bool] | None
) -> Group:
    """Leave out what the module does not take, or say so, of a space of the catalogue."""
    missing = section.get("missing")
    if missing not in {None, "skip"}:
        raise StudyFileError(
            file.source,
            "space.missing",
            f"must be `skip`, which leaves out what the module does not take, but got {missing!r}.",
        )
    use = section.get("use")
    if takes is None or use not in CATALOGUE:
        return space
    rest, left = without_untaken(space, takes)
    if not left or (missing == "skip" and rest.children):
        return rest
    remedy = "nothing of it fits; write ranges for the module's own arguments under `space.add`."
    if rest.children:
        fits = ", ".join(parameter.name for parameter in parameters(rest) if not parameter.conditions)
        remedy = f"write `missing: skip` beside it to search what fits: {fits}."
    what = ", ".join(left)
    raise StudyFileError(
        file.source, "space.use", f"{use} searches {what}, which the module does not take; {remedy}"
    )


def epochs_of(file: StudyFile) -> int | None:
    """Give the epochs of a trial, if the file alone says so."""
    try:
        epochs = TrialLength.of(file.data).epochs
    except BadLength as error:
        raise StudyFileError(file.source, error.key, error.message) from error
    return int(epochs) if epochs is not None and epochs >= 1 else None


def _used(file: StudyFile, use: object, exposed: Callable[[], Group | None], epochs: int | None) -> Group:
    if use is None:
        return Group()
    if use == "model":
        space = exposed()
        if space is None:
            raise StudyFileError(
                file.source,
                "space.use",
                f"the module exposes no space; give it a static method `search_space()`, or use one of "
                f"{', '.join(CATALOGUE)}.",
            )
        return space
    try:
        return named_space(str(use), epochs)
    except TunerError as error:
        raise StudyFileError(file.source, "space.use", str(error)) from error


def _replaced(space: Group, name: str, what: Any) -> Group:
    return replace(space, name, _checked(name, node_from_data(what, path=name)))


def without_excluded_prior(node: Node) -> Node:
    """Leave out a prior that expects the best value where the range does not reach."""
    if isinstance(node, Float | Int) and node.prior and not node.low <= node.prior.centre <= node.high:
        return dataclasses.replace(node, prior=None)
    return node


def _checked(name: str, node: Node) -> Node:
    """Refuse a prior that expects the best value where the range does not reach."""
    if isinstance(node, Float | Int) and node.prior and without_excluded_prior(node) is not node:
        raise IllegalSpace(
            f"The centre of {name}'s prior must lie in {node.low:g} .. {node.high:g}, but got "
            f"{node.prior.centre:g}; move it inside, or replace the range."
        )
    return node


def _added(space: Group, name: str, what: Any) -> Group:
    if is_node(what):
        return extend(space, name, _checked(name, node_from_data(what, path=name)))
    return extend(space, name, group_from_data(what, path=name))


def _narrowed(space: Group, name: str, what: Any, used: Group) -> Group:
    """Narrow a parameter; a prior of the space that is used is left out where its centre is excluded."""
    if not isinstance(what, Mapping) or not set(what) <= set(_NARROW_KEYS):
        raise IllegalSpace(
            f"{name} is narrowed by {{low: ..., high: ...}} or {{choices: [...]}}, but got {what!r}."
        )
    given = dict(what)
    prior = given.pop("prior", None)
    space = narrow(space, name, **given)
    node = find(space, name).node
    if prior is None:
        brought = {parameter.name: getattr(parameter.node, "prior", None) for parameter in parameters(used)}
        if getattr(node, "prior", None) == brought.get(name):
            node = without_excluded_prior(node)
        return replace(space, name, _checked(name, node))
    if not isinstance(node, Float | Int):
        raise IllegalSpace(f"{name} is a choice; a prior is for a range.")
    return replace(space, name, _checked(name, dataclasses.replace(node, prior=prior_from_data(prior, name))))


_CHANGES: Mapping[str, Callable[..., Group]] = {
    "replace": _replaced,
    "add": _added,
    "narrow": _narrowed,
    "fix": fix,
}
