"""Limits on metrics: how they are written, and by how much a value breaks one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.definition.limits import kept_metrics, limits_of
from studies.definition.settings import StudySettings, read_settings
from studies.definition.study import StudyDefinition
from studies.definition.study_file import parse_study_file
from studies.errors import StudyFileError
from tests.studies.samples import sample_definition

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@given(bound=NUMBERS, value=NUMBERS, is_upper=st.booleans())
def test_a_limit_is_broken_by_exactly_the_values_beyond_it(
    bound: float, value: float, *, is_upper: bool
) -> None:
    """The violation is positive where the comparison that is written does not hold, and nowhere else."""
    sign = "<=" if is_upper else ">="
    (limit,) = limits_of({"size": f"{sign} {bound!r}"})
    holds = value <= bound if is_upper else value >= bound
    assert (limit.violation(value) > 0) is not holds


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_value_that_is_no_number_keeps_no_limit(value: float | None) -> None:
    """Neither an upper nor a lower limit is kept by NaN, infinity, or what stands for them in a database."""
    upper, lower = limits_of({"a": "<= 5", "b": ">= 5"})
    assert upper.violation(value) > 0
    assert lower.violation(value) > 0


@pytest.mark.parametrize(
    "limits",
    ['{a: "< 5"}', "{a: 5}", '"<= 5"', '["<= 5"]', '{a: "<= five"}', '{a: "<= 1e999"}', '{"": "<= 5"}'],
)
def test_what_is_no_limit_is_refused_with_an_example(limits: str) -> None:
    """The sentence shows how a limit is written."""
    file = parse_study_file(f"study: {{name: a, metric: b, limits: {limits}}}", source="study.yaml")
    with pytest.raises(
        StudyFileError, match=r'study.limits: must be a mapping .* `limits: \{parameters: "<= 1e6"'
    ):
        read_settings(file)


def test_kept_metrics_and_limits_come_back_from_the_ledger() -> None:
    """A definition that was written as plain data is the same when it is read, and names each metric once."""
    definition = sample_definition(keep_metrics=["loss", "size"], limits={"size": "<= 1e6"})
    again = StudyDefinition.from_data(definition.to_data())
    assert again == definition
    settings: StudySettings = again.settings
    assert kept_metrics(settings.keep_metrics, settings.limits) == ("loss", "size")
    with pytest.raises(TypeError, match=r"study\.limits"):
        StudyDefinition.from_data(
            {**definition.to_data(), "study": {**definition.to_data()["study"], "limits": {"a": 5}}}
        )
