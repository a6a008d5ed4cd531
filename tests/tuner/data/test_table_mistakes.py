"""Whatever is wrong with a table is said in one sentence that names the file, the place and the remedy."""

import re
import shlex
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from studies.definition.plain_yaml import load_yaml
from tests.tuner.data.tables import ROWS, patients, read
from tuner.data import Table
from tuner.errors import BadData

UNCLEAR = [str(row) if row % 50 else "?" for row in range(ROWS)]
SAME_DAY = ["2024-05-31"] * ROWS

# What is wrong -> (columns of the table, options of `Table`, what the sentence says, its remedy).
COLUMNS: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "no such target": ({}, {"target": "il"}, "no column 'il', which `target` names", "did you mean 'ill'?"),
    "a target unlike any": ({}, {"target": "price"}, "no column 'price'", "there are age, kind, smokes, ill"),
    "no such column": ({}, {"ignore": ["agee"]}, "no column 'agee', which `ignore` names", "'age'?"),
    "one class": ({"ill": "no"}, {}, "the target 'ill' is no in every row", "name another target"),
    "a class with one row": (
        {"ill": ["maybe"] + ["no", "yes"] * 99 + ["no"]},
        {},
        "the class 'maybe' has 1 of 200 rows, but every part needs some of each class, so at least 5",
        "merge or remove it",
    ),
    "gaps in the target": (
        {"ill": [None] * 4 + ["no", "yes"] * 98},
        {},
        "4 of 200 rows have no 'ill', the target (rows 1, 2, 3, ...)",
        "fill in or remove these rows",
    ),
    "an infinite target": (
        {"y": [np.inf, *range(ROWS - 1)]},
        {"target": "y", "task": "regression"},
        "the target 'y' holds infinite numbers",
        "remove these rows",
    ),
    "a target of mixed types": (
        {"y": UNCLEAR},
        {"target": "y"},
        "the target 'y' holds 196 numbers and 4 other values, such as '?'",
        "correct or remove these rows",
    ),
    "text as a quantity": (
        {},
        {"task": "regression"},
        "a regression needs numbers",
        "write `task: classification`",
    ),
    "columns without a value": (
        {"notes": None, "more": None},
        {},
        "the columns 'notes', 'more' are without any value",
        "write `ignore: ['notes', 'more']`",
    ),
    "mixed types": (
        {"weight": UNCLEAR},
        {},
        "the column 'weight' holds 196 numbers and 4 other values, such as '?'",
        "write `missing: ['?']`",
    ),
    "infinite numbers": (
        {"weight": [np.inf, *range(ROWS - 1)]},
        {},
        "the column 'weight' holds infinite numbers",
        "write `missing: ['inf', '-inf']`",
    ),
    "identifiers": (
        {"name": [f"n{row}" for row in range(ROWS)]},
        {},
        "the column 'name' is of identifiers or free text",
        "write `ignore: ['name']`",
    ),
    "numbers of the rows": (
        {"row": range(1000, 1000 + ROWS)},
        {},
        "the column 'row' is of identifiers, since all its whole numbers differ",
        "write `ignore: ['row']`",
    ),
    "numbers that are called identifiers": (
        {"customer_id": [row * row for row in range(ROWS)]},
        {},
        "the column 'customer_id' is of identifiers",
        "under `numeric`",
    ),
    "ISO dates": (
        {"joined": [f"2024-05-{1 + row % 28:02}" for row in range(ROWS)]},
        {},
        "the column 'joined' holds dates",
        "write `ignore: ['joined']`",
    ),
    "ISO times": (
        {"seen": [None, *(f"2024-05-01T{row % 24:02}:00:00Z" for row in range(ROWS - 1))]},
        {},
        "the column 'seen' holds dates",
        "name it as `time`",
    ),
    "nothing to learn from": (
        {},
        {"ignore": ["age", "kind", "smokes"]},
        "no column to learn from beside the target",
        "add columns, or ignore fewer",
    ),
    "two groups": (
        {"clinic": [row % 2 for row in range(ROWS)]},
        {"group": "clinic"},
        "there are 2 groups, but three parts need at least 5",
        "group more finely",
    ),
    "rows without a group": (
        {"clinic": [None, *range(ROWS - 1)]},
        {"group": "clinic"},
        "some rows have no 'clinic'",
        "fill it in",
    ),
    "no time": ({"day": "soon"}, {"time": "day"}, "`time` names, holds 'soon'", "such as 2024-05-31"),
    "one time": (
        {"day": SAME_DAY},
        {"time": "day"},
        "so that the train part would be empty",
        "tell the rows",
    ),
    "a class that comes later": (
        {"ill": ["no"] * 170 + ["yes"] * 30, "row": range(ROWS)},
        {"time": "row"},
        "the class 'yes' is in no row of the training part",
        "split otherwise, or remove it",
    ),
    "a quantity that does not change": (
        {"y": [1.5] * 120 + list(range(80)), "row": range(ROWS)},
        {"time": "row", "target": "y"},
        "the target 'y' has one value in training",
        "split otherwise",
    ),
}
FILES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "the file is empty", "write the names of the columns into the first line"),
    "no rows": (b"age,ill\n", "there are no rows", "then its rows"),
    "a column twice": (b"age,age,ill\n1,2,no\n", "more than one column 'age'", "a name of its own"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "this is no CSV file in UTF-8", "save the table as CSV"),
    "semicolons": (b"age;ill\n1;no\n", "separated by ';', not by ','", "write `separator: ';'`"),
    "tabs": (b"age\till\n1\tno\n", 'separated by "\\t", not by', 'write `separator: "\\t"`'),
    "an open quote": (b'age,ill\n1,"no\n', "no well-formed CSV file: EOF inside string", "mend that line"),
    "a long line": (b"age,ill\n1,no\n1,2,no\n", "Expected 2 fields in line 3, saw 3", "mend that line"),
    "long lines": (b"age,ill\n1,no,3\n1,2,no\n", "some rows have more fields", "name every column"),
}


def refused(table: Table) -> str:
    """The sentence by which a table is refused, without the name of its file."""
    with pytest.raises(BadData) as refusal:
        table.setup("fit")
    sentence = str(refusal.value)
    assert sentence.startswith(f"{table.options.path}: ")
    assert sentence[-1] in ".?"
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(("columns", "options", "said", "remedy"), COLUMNS.values(), ids=COLUMNS)
def test_a_table_that_cannot_be_learnt_from(
    tmp_path: Path, columns: dict[str, Any], options: dict[str, Any], said: str, remedy: str
) -> None:
    """A column that is missing, empty, mixed or of no use is named, with what to write instead."""
    path = tmp_path / "mine.csv"
    patients(**columns).to_csv(path, index=False)
    sentence = refused(Table(str(path), **{"target": "ill", **options}))
    assert said in sentence
    assert remedy in sentence


@pytest.mark.parametrize(("content", "said", "remedy"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes, said: str, remedy: str) -> None:
    """A file that is no CSV is told by what is in it."""
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    sentence = refused(Table(str(path), "ill"))
    assert said in sentence
    assert remedy in sentence


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.csv", "No such file or directory; a path is relative to "),
        ("nothing.parquet", "No such file or directory"),
        (".", "Is a directory"),
        ("mine.xlsx", "a .xlsx file cannot be read; save the table as CSV or Parquet"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, said: str) -> None:
    """A path that leads nowhere, or to another format, is named."""
    assert said in refused(Table(str(tmp_path / name), "ill"))


def test_parquet_files_that_are_wrong(tmp_path: Path) -> None:
    """Junk, dates and lists in a Parquet file are told, and that pyarrow is needed where it is missing."""
    path = tmp_path / "mine.parquet"
    path.write_bytes(b"junk")
    assert "this is no Parquet file" in refused(Table(str(path), "ill"))
    patients(day=pd.Timestamp("2024-05-31")).to_parquet(path)
    assert "'day' holds dates or durations; write it as a number" in refused(Table(str(path), "ill"))
    patients(scan=[[1, 2]] * ROWS).to_parquet(path)
    assert "'scan' holds lists or other compound values" in refused(Table(str(path), "ill"))
    with patch("pandas.read_parquet", side_effect=ImportError):
        sentence = refused(Table(str(path), "ill"))
    assert "reading Parquet needs pyarrow; pip install 'interplay-tuner[parquet]'" in sentence


def test_few_rows_are_refused(tmp_path: Path) -> None:
    """Three parts cannot be made of four rows."""
    path = tmp_path / "mine.csv"
    patients().iloc[:4].to_csv(path, index=False)
    assert "there are 4 rows, but three parts need at least 5" in refused(Table(str(path), "age"))


def test_what_a_remedy_names_helps(tmp_path: Path) -> None:
    """`missing`, `ignore`, `categorical` and `separator` cure what they are said to cure."""
    ids = [f"n{row}" for row in range(ROWS)]
    frame = patients(weight=UNCLEAR, name=ids, rate=[np.inf] * 20 + list(range(180)), notes=None)
    cured = read(tmp_path, frame, missing=["?", "inf"], ignore=["name", "notes"])
    numbers = {"weight", "rate", "missingindicator_weight", "missingindicator_rate"}
    assert numbers <= set(cured.feature_names)
    cured = read(tmp_path, patients(weight=[2, "?"] * 100), categorical=["weight"])
    assert {"weight=2", "weight=?"} <= set(cured.feature_names)
    path = tmp_path / "german.csv"
    patients().to_csv(path, index=False, sep=";")
    table = Table(str(path), "ill", separator=";")
    table.setup("fit")
    assert table.features == 5


@pytest.mark.parametrize("shares", [(0.0, 0.2), (0.2, -0.1), (0.5, 0.5)])
def test_shares_that_leave_a_part_empty_are_refused(shares: tuple[float, float]) -> None:
    """Each part has to get something."""
    with pytest.raises(ValueError, match="each be above 0 and together below 1"):
        Table("mine.csv", "ill", val_share=shares[0], test_share=shares[1])


def test_group_and_time_exclude_one_another() -> None:
    """A table is split in one way."""
    with pytest.raises(ValueError, match="by group or by time"):
        Table("mine.csv", "ill", group="clinic", time="day")


def test_every_column_to_leave_out_is_named_at_once(tmp_path: Path) -> None:
    """What the sentence says to type is one argument of a shell, and with it no column is refused again."""
    frame = pd.DataFrame(
        {
            "age": range(40),
            "it's a day": ["2024-05-31"] * 40,
            "customer_id": range(1000, 1040),
            "nothing": [None] * 40,
            "no": [f"word {number}" for number in range(40)],
            "ill": [0, 1] * 20,
        }
    )
    frame.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(BadData) as refused:
        Table(str(tmp_path / "table.csv"), "ill", ignore=["age"]).setup("fit")
    typed = re.search(r"`--set (.+)` leaves out", str(refused.value))
    assert typed is not None
    (argument,) = shlex.split(typed[1])
    names = load_yaml(argument.removeprefix("ignore="), source="typed")
    assert names == ["age", "it's a day", "customer_id", "nothing", "no"]
    frame["size"] = np.arange(40) * 0.5
    frame.to_csv(tmp_path / "table.csv", index=False)
    Table(str(tmp_path / "table.csv"), "ill", ignore=names).setup("fit")
