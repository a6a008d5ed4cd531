"""Reading a table from a CSV or Parquet file; whatever is wrong with the file is said in one sentence."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame

PARQUET = (".parquet", ".pq")
OTHER_FORMATS = (".xls", ".xlsx", ".ods", ".json", ".jsonl", ".feather", ".sav", ".dta")
OTHER_SEPARATORS = {";": "';'", "\t": '"\\t"', "|": "'|'"}  # as YAML writes them


def read_table(path: Path, *, separator: str = ",", missing: Sequence[str] = ()) -> "DataFrame":
    """Read a table, one column after another.

    Args:
        path: a Parquet file if it is called `*.parquet` or `*.pq`, else a CSV file, which may be compressed
            (`*.csv.gz`), in UTF-8, with the names of the columns in its first line.
        separator: what stands between the fields of a CSV file.
        missing: words of a CSV file that mean "not known", beside an empty field, `NA`, `nan`, `null` and
            what else pandas takes for it.

    Raises:
        BadData: the file is not there, is not such a file, has no rows, or names a column twice.
    """
    if path.suffix.lower() in OTHER_FORMATS:
        raise BadData(f"a {path.suffix} file cannot be read; save the table as CSV or Parquet.")
    try:
        path.open("rb").close()  # pyarrow says less of a file that is not there
        is_parquet = path.suffix.lower() in PARQUET
        frame = _read_parquet(path) if is_parquet else _read_csv(path, separator, missing)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadData(f"the file cannot be read: {reason}; a path is relative to {Path.cwd()}.") from error
    if frame.empty:
        raise BadData(
            "there are no rows; a table has the names of its columns in the first line, then its rows."
        )
    return frame


def _read_csv(path: Path, separator: str, missing: Sequence[str]) -> "DataFrame":
    import pandas as pd
    from pandas.errors import EmptyDataError, ParserError, ParserWarning

    how = {"sep": separator, "skipinitialspace": True, "index_col": False, "encoding": "utf-8"}
    try:
        # pandas renames a second column "a" to "a.1" silently, so the first line is read as it stands.
        head = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **how)
        _refuse_repeated([name for name in head.iloc[0] if name])
        if len(head.columns) == 1:
            _refuse_separator(str(head.iloc[0, 0]))
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)
            # Types are decided by the whole column, not by one chunk after another.
            frame = pd.read_csv(path, na_values=list(missing), low_memory=False, **how)
    except EmptyDataError as error:
        raise BadData("the file is empty; write the names of the columns into the first line.") from error
    except UnicodeDecodeError as error:
        raise BadData("this is no CSV file in UTF-8; save the table as CSV (UTF-8) or Parquet.") from error
    except ParserWarning as error:
        raise BadData(
            "some rows have more fields than the first line has names; name every column, and quote fields "
            f"that contain {separator!r}."
        ) from error
    except ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise BadData(f"this is no well-formed CSV file: {reason}; mend that line.") from error
    return frame


def _read_parquet(path: Path) -> "DataFrame":
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise BadData(
            "reading Parquet needs pyarrow; pip install 'interplay-tuner[parquet]', or save it as CSV."
        ) from error
    except ValueError as error:  # what pyarrow raises is one
        raise BadData("this is no Parquet file; write it anew, or save the table as CSV.") from error
    frame.columns = frame.columns.astype(str)
    _refuse_repeated(list(frame.columns))
    return frame.reset_index(drop=True)


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BadData(f"there is more than one column {repeated[0]!r}; give every column a name of its own.")


def _refuse_separator(line: str) -> None:
    for separator, written in OTHER_SEPARATORS.items():
        if separator in line:
            raise BadData(
                f"the fields seem to be separated by {written}, not by ','; write `separator: {written}`."
            )
