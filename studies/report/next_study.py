"""The next study: the same question with what this one taught, as a study file that runs as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.configuration import configure
from search_spaces.space.algebra import fix
from search_spaces.space.algebra import replace as replace_node
from search_spaces.space.describe import show_value
from search_spaces.space.nodes import Float, Group, Int, Value
from search_spaces.space.notation import to_data
from search_spaces.space.parameters import default_values, parameters
from studies.analysis.findings.near_best import LITTLE
from studies.analysis.views import Views
from studies.definition.space_section import without_excluded_prior
from studies.definition.study import StudyDefinition
from studies.definition.yaml_text import yaml_text
from studies.report.next_coordinates import along_combinations

SUFFIX = "-2"
LONGEST_NAME = 100  # characters, as a study's name may have
_WORDS = ("why", "source")  # of a parameter, which would double the file


@dataclass(frozen=True)
class NextStudy:
    """A study file, in words what it changes, and what it cannot change."""

    name: str
    text: str
    changes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_different: bool = True  # in more than its seed


def next_study(
    definition: StudyDefinition,
    views: Views | None,
    best: Mapping[str, Value] | None,
) -> NextStudy:
    """Propose the study to run next: ranges wider or narrower as the best lie, idle parameters fixed.

    Args:
        definition: the study's.
        views: what its analysis shows, where there is one.
        best: the values of the best trial, at which what does not matter is fixed.
    """
    space, changes, fixed = definition.space, [], {}
    for found in () if views is None else views.boundaries:
        node = next(p.node for p in parameters(space) if p.name == found.name)
        assert isinstance(node, Float | Int)  # only ranges have boundaries
        if (found.low, found.high) == (node.low, node.high):
            continue
        kind = int if isinstance(node, Int) else float
        bounds: dict[str, Any] = {"low": kind(found.low), "high": kind(found.high)}
        space = replace_node(space, found.name, replace(node, **bounds))
        end, new = show_value(getattr(node, found.at)), f"{show_value(found.low)} .. {show_value(found.high)}"
        changes.append(
            f"{found.name} ranges over {new}: {found.crowding:.0%} of the {found.trials} best trials lay at "
            f"its {found.at} end, {end}."
        )
    widened = {found.name for found in (() if views is None else views.boundaries)}
    pairs = () if views is None else views.pairs
    kept = widened | set(() if views is None else views.idle)
    space, combined, notes = along_combinations(space, pairs, kept, best or {})
    changes += combined
    for part in () if views is None else views.narrowed:
        left = {p.name: p.node for p in parameters(space)}.get(part.name)
        # Where the best lie at an end there is more to find beyond it.
        if part.name in widened or not isinstance(left, Float):
            continue
        default = None if left.default is None else min(max(left.default, part.low), part.high)
        narrower = replace(left, low=part.low, high=part.high, default=default)
        space = replace_node(space, part.name, narrower)
        ends = f"{show_value(part.low)} .. {show_value(part.high)}"
        changes.append(
            f"{part.name} ranges over {ends}: the best trials, and the best configuration of every function "
            "drawn from what the trials allow, lie inside by a margin."
        )
    space, left_out = _without_excluded_priors(space)
    changes += left_out
    narrowed = space
    for name in () if views is None else views.idle:
        known = {p.name for p in parameters(narrowed)}
        value = (best or {}).get(name, default_values(narrowed).get(name))
        if name not in known or value is None or len(known) == 1:
            continue
        narrowed = fix(narrowed, name, value)
        fixed[name] = value
        changes.append(
            f"{name} is fixed at {show_value(value)}: where it exists it explains at most {LITTLE:.0%}, "
            "interactions included, and next to nothing among the better configurations."
        )
    is_different = bool(changes)
    if not changes:
        changes.append(
            "Nothing but the seed: the trials gave no reason to change a range or to fix a parameter."
        )
    name = definition.settings.name[: LONGEST_NAME - len(SUFFIX)] + SUFFIX
    text = _written(definition, name, space, fixed, [*changes, *notes])
    return NextStudy(name, text, tuple(changes), tuple(notes), is_different)


def _without_excluded_priors(space: Group) -> tuple[Group, list[str]]:
    """Leave out priors that no study file may have; in sentences, where there is a range to search."""
    changes = []
    for name, node in ((parameter.name, parameter.node) for parameter in parameters(space)):
        left = without_excluded_prior(node)
        if left is node:
            continue
        assert isinstance(node, Float | Int)  # no other has a prior
        assert node.prior is not None  # which is left out
        space = replace_node(space, name, left)
        if node.low < node.high:
            changes.append(
                f"{name} has no prior: its centre, {show_value(node.prior.centre)}, lies outside "
                f"{show_value(node.low)} .. {show_value(node.high)}."
            )
    return space, changes


def _written(
    definition: StudyDefinition, name: str, space: Group, fixed: Mapping[str, Value], changes: list[str]
) -> str:
    data = definition.to_data()
    settings = {key: value for key, value in data["study"].items() if value is not None}
    settings |= {"name": name, "seed": definition.settings.seed + 1}
    # What the space sets whatever is chosen stands in the sections themselves.
    sections = configure(definition.fixed, Group(set=space.set), {})
    section: dict[str, Any] = {"add": _without_words(to_data(Group(space.children)))}
    if fixed:
        section["fix"] = dict(fixed)
    classes = {key: data[key] for key in ("sampler", "pruner") if data[key] is not None}
    said = (f"What {definition.settings.name} suggests to run next.", *changes)
    # A name with a line break must not end the comment that it stands in.
    head = "".join(f"# {' '.join(line.split())}\n" for line in said)
    return head + yaml_text({"study": settings, **sections, "space": section, **classes})


def _without_words(data: Any) -> Any:
    """Leave out reasons and sources, and branches' contents where there are none."""
    if not isinstance(data, dict):
        return data
    return {key: _without_words(value) for key, value in data.items() if key not in _WORDS}
