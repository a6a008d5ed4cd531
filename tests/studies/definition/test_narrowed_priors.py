"""Priors whose centres a study file excludes by `narrow`: whose they are decides."""

import pytest

from search_spaces.space.nodes import Float, Group, Prior
from search_spaces.space.parameters import find
from studies.definition.study import StudyDefinition, define
from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError

NAME = "optimizer.init_args.lr"
SPACE = Group({NAME: Float(1e-4, 0.1, log=True, prior=Prior(0.001, 0.5))})
WRITTEN = f"{{{NAME}: {{low: 0.0001, high: 0.1, log: true, prior: {{centre: 0.002, width: 0.5}}}}}}"


def defined(space: str) -> StudyDefinition:
    """Define a study with a `space` section, of a module that exposes a range with a prior."""
    text = f"study: {{name: a, metric: b}}\nmodel: {{class_path: package.Model}}\nspace: {space}"
    return define(parse_study_file(text, source="a.yaml"), lambda *_: SPACE)


@pytest.mark.parametrize(
    ("change", "prior"),
    [
        ("{low: 0.05}", None),
        ("{low: 0.0005}", Prior(0.001, 0.5)),
        ("{low: 0.05, prior: {centre: 0.07, width: 0.5}}", Prior(0.07, 0.5)),
    ],
)
def test_a_prior_of_the_space_that_is_used_is_left_out(change: str, prior: Prior | None) -> None:
    """It does not outlive its centre, and the same entry may name another."""
    node = find(defined(f"{{narrow: {{{NAME}: {change}}}}}").space, NAME).node
    assert isinstance(node, Float)
    assert node.prior == prior


@pytest.mark.parametrize("section", [f"use: model, replace: {WRITTEN}", f"add: {WRITTEN}"])
def test_a_prior_of_the_same_file_is_refused(section: str) -> None:
    """What the file itself has written is not dropped in silence; the same entry may name another."""
    with pytest.raises(
        StudyFileError, match=rf"space\.narrow: The centre of {NAME}'s prior must lie in 0\.05"
    ):
        defined(f"{{{section}, narrow: {{{NAME}: {{low: 0.05}}}}}}")
    other = "{low: 0.05, prior: {centre: 0.07, width: 0.5}}"
    node = find(defined(f"{{{section}, narrow: {{{NAME}: {other}}}}}").space, NAME).node
    assert isinstance(node, Float)
    assert node.prior == Prior(0.07, 0.5)
