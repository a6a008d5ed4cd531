"""A space as a table."""

from search_spaces.catalogue.recipes import quick
from search_spaces.space.describe import Row, describe, show_value
from search_spaces.space.nodes import Categorical, Choice, Float, Group, Int
from search_spaces.space.parameters import default_values, parameters

SPACE = Group(
    {
        "optimizer": Choice({"sgd": Group(), "adam": Group()}, why="each its own", source="A 2020"),
        "lr": Float(1e-5, 0.1, log=True, unit="1 / loss", when={"optimizer": ("adam",)}),
        "depth": Int(1, 8, default=2),
        "flag": Categorical((False, True), when={"optimizer": ("sgd", "adam")}),
    }
)


def test_a_row_says_what_a_parameter_is() -> None:
    """Name, range with scale, unit, default, condition and words stand in the order of the space."""
    assert describe(SPACE) == (
        Row("optimizer", "sgd, adam", "", "sgd", "always", "each its own", "A 2020"),
        Row("lr", "log 1e-05 .. 0.1", "1 / loss", "0.001", "optimizer is adam", "", ""),
        Row("depth", "1 .. 8", "", "2", "always", "", ""),
        Row("flag", "false, true", "", "false", "optimizer is sgd or adam", "", ""),
    )


def test_every_parameter_has_a_row() -> None:
    """A catalogue space is described whole, conditions joined by and."""
    rows = {row.name: row for row in describe(quick())}
    assert list(rows) == [parameter.name for parameter in parameters(quick())]
    decay = rows["optimizer.sgd.weight_decay.rate"]
    assert decay.when == "optimizer is sgd and optimizer.sgd.weight_decay is on"
    assert all(rows[name].default == show_value(value) for name, value in default_values(quick()).items())


def test_values_are_shown_as_a_study_file_writes_them() -> None:
    """Booleans are lower case, real numbers have four digits, and the rest is itself."""
    assert [show_value(value) for value in (True, 0.123456, 1e-5, 3, "no")] == [
        "true",
        "0.1235",
        "1e-05",
        "3",
        "no",
    ]
