"""Small tables for the tests of data, written as files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tuner.data import Table

ROWS = 200


def patients(**columns: object) -> pd.DataFrame:
    """Make 200 rows: a number, a category, true and false, a target of two classes, and what is given."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": draw.normal(40, 10, ROWS),
            "kind": draw.choice(["a", "b", "c"], ROWS),
            "smokes": draw.random(ROWS) < 0.5,
            "ill": draw.choice(["no", "yes"], ROWS, p=[0.8, 0.2]),
        }
    )
    return frame.assign(**columns)


def read(folder: Path, frame: pd.DataFrame, *, name: str = "patients.csv", **options: Any) -> Table:
    """Write a table into a folder and set up the data that it makes; its target is `ill`."""
    path = folder / name
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    table = Table(str(path), **{"target": "ill", **options})
    table.setup("fit")
    return table
