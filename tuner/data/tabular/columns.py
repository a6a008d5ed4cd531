"""What the columns of a table are: numbers, categories, the target; and what cannot be learnt from."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Task = Literal["classification", "regression"]

CLASSES_AT_MOST = 20  # a target of whole numbers with more values than this is a quantity, not a class
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]|$)")  # how an ISO 8601 date begins
_IDENTIFIER = re.compile(r"(?:^|[_\W])(?:id|ids|uuid|key|index|nr|no)$|[a-z]I[dD]$|^(?:id|ID|Id)$", re.ASCII)
IDENTIFIER_FROM = 20  # values that differ, in a column of text where more than half of them do


@dataclass(frozen=True)
class Columns:
    """The names of the columns that are learnt from."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


def find_column(frame: "DataFrame", name: str, argument: str) -> None:
    """Refuse the name of a column that is not there.

    Raises:
        BadData: names the argument that gives the name, and the column that was probably meant.
    """
    if name not in frame.columns:
        near = get_close_matches(name, frame.columns, n=1)
        listed = ", ".join(frame.columns[:8]) + (", ..." if len(frame.columns) > 8 else "")  # noqa: PLR2004
        hint = f"did you mean {near[0]!r}?" if near else f"there are {listed}."
        raise BadData(f"there is no column {name!r}, which `{argument}` names; {hint}")


def sort_columns(
    frame: "DataFrame",
    names: Sequence[str],
    categorical: Sequence[str],
    quantities: Sequence[str] = (),
    ignored: Sequence[str] = (),
) -> Columns:
    """Tell numbers from categories.

    A column of numbers or of true and false is numeric, a column of text categorical.

    Args:
        frame: the table.
        names: the columns to learn from.
        categorical: those of them that are categories whatever they hold.
        quantities: those of them that are numbers though they look like identifiers.
        ignored: the columns that are left out already.

    Raises:
        BadData: a column is empty, mixes numbers with text, holds dates, or looks like an identifier; the
            message ends with what to type to leave out every such column.
    """
    if not names:
        raise BadData("there is no column to learn from beside the target; add columns, or ignore fewer.")
    try:
        return _sorted(frame, names, categorical, quantities)
    except BadData as error:
        refused = [name for name in names if _is_refused(frame, name, categorical, quantities)]
        raise BadData(f"{error} {_all_at_once(refused, ignored)}".rstrip()) from error


def _all_at_once(refused: Sequence[str], ignored: Sequence[str]) -> str:
    """Say what leaves out every column that is refused, so that they are not told one after the other."""
    if not refused:
        return ""
    listed = json.dumps([*ignored, *refused], ensure_ascii=False)
    what = "this column" if len(refused) == 1 else f"the columns {', '.join(map(repr, refused))}"
    return f"`--set {shlex.quote(f'ignore={listed}')}` leaves out {what}."


def _is_refused(frame: "DataFrame", name: str, categorical: Sequence[str], quantities: Sequence[str]) -> bool:
    try:
        _sorted(frame, [name], categorical, quantities)
    except BadData:
        return True
    return False


def _sorted(
    frame: "DataFrame", names: Sequence[str], categorical: Sequence[str], quantities: Sequence[str]
) -> Columns:
    empty = [name for name in names if frame[name].isna().all()]
    if empty:
        raise BadData(f"{_listed(empty)} without any value; write `ignore: {_in_yaml(empty)}`.")
    numeric = [name for name in names if name not in categorical and _is_numeric(frame[name])]
    _refuse_numbered(frame, [name for name in numeric if name not in quantities])
    _refuse_identifiers(frame, [name for name in names if name not in {*numeric, *categorical}])
    return Columns(tuple(numeric), tuple(name for name in names if name not in numeric))


def decide_task(target: "Series") -> Task:
    """Decide by the target whether classes or a quantity are to be predicted.

    Text, true and false and up to 20 different whole numbers are classes; any other numbers are a quantity.
    """
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(target) or pd.api.types.is_bool_dtype(target):
        return "classification"
    is_whole = bool((target == target.round()).all())
    return "classification" if is_whole and target.nunique() <= CLASSES_AT_MOST else "regression"


def check_target(target: "Series", task: Task) -> None:
    """Refuse a target that nothing can be learnt of.

    Raises:
        BadData: it has gaps or a single value, mixes numbers with text, or is no number in a regression.
    """
    import numpy as np
    import pandas as pd

    gaps = np.flatnonzero(target.isna())
    if len(gaps):
        places = ", ".join(str(row + 1) for row in gaps[:3]) + (", ..." if len(gaps) > 3 else "")  # noqa: PLR2004
        raise BadData(
            f"{len(gaps)} of {len(target)} rows have no {target.name!r}, the target (rows {places}); "
            f"fill in or remove these rows."
        )
    if (target == target.iloc[0]).all():
        raise BadData(
            f"the target {target.name!r} is {target.iloc[0]!s} in every row, so nothing can be learnt; "
            f"name another target."
        )
    is_number = pd.api.types.is_numeric_dtype(target)
    if not is_number:
        _refuse_mixture(target)
    if task == "regression" and not is_number:
        raise BadData(
            f"the target {target.name!r} holds text such as {target.iloc[0]!s}, but a regression needs "
            f"numbers; write `task: classification`."
        )
    if is_number and not np.isfinite(target.astype(float)).all():
        raise BadData(f"the target {target.name!r} holds infinite numbers; remove these rows.")


def _refuse_mixture(target: "Series") -> None:
    import pandas as pd

    if target.nunique() <= CLASSES_AT_MOST:
        return  # classes may be called 1, 2 and 3+
    is_number = pd.to_numeric(target, errors="coerce").notna()
    numbers, others = is_number.sum(), (~is_number).sum()
    if numbers > others:
        raise BadData(
            f"the target {target.name!r} holds {numbers} numbers and {others} other values, such as "
            f"{target[~is_number].iloc[0]!r}; correct or remove these rows."
        )


def _is_numeric(column: "Series") -> bool:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return True
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    is_date = pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)
    if is_date or _holds_iso_dates(column):
        raise BadData(
            f"the column {column.name!r} holds dates or durations; write it as a number, such as the days "
            f"since then, name it as `time`, or write `ignore: {_in_yaml([column.name])}`."
        )
    try:
        column.nunique()  # which refuses lists; counting them does not
        counts = column.value_counts()
        words = counts.index.to_series()
        is_number = pd.to_numeric(words, errors="coerce").notna()
    except TypeError as error:
        raise BadData(
            f"the column {column.name!r} holds lists or other compound values; split it into columns of one "
            f"value each, or write `ignore: {_in_yaml([column.name])}`."
        ) from error
    numbers, others = counts[is_number].sum(), counts[~is_number].sum()
    if numbers > others > 0:
        told = list(words[~is_number])[:3]
        raise BadData(
            f"the column {column.name!r} holds {numbers} numbers and {others} other values, such as "
            f"{told[0]!r}; write `missing: {_in_yaml(told)}` if these mean that it is not known, or name the "
            f"column under `categorical`."
        )
    return bool(others == 0)


def _holds_iso_dates(column: "Series") -> bool:
    """Say whether every value is text that begins like 2024-05-31."""
    import pandas as pd

    values = column.dropna()
    if not (values.dtype == object or pd.api.types.is_string_dtype(values)) or values.empty:
        return False
    first = values.iloc[0]
    if not (isinstance(first, str) and _DATE.match(first)):
        return False  # at once, where it is no date
    return bool(values.map(lambda value: isinstance(value, str) and _DATE.match(value) is not None).all())


def _refuse_numbered(frame: "DataFrame", names: Sequence[str]) -> None:
    """Refuse whole numbers that only number the rows: all differ, are consecutive or are called so."""

    def looks_so(column: "Series") -> bool:
        import pandas as pd

        is_whole = pd.api.types.is_integer_dtype(column)
        if not is_whole or len(column) <= IDENTIFIER_FROM or not column.is_unique:
            return False
        is_consecutive = int(column.max()) - int(column.min()) == len(column) - 1
        return is_consecutive or _IDENTIFIER.search(str(column.name)) is not None

    found = [name for name in names if looks_so(frame[name])]
    if found:
        raise BadData(
            f"{_listed(found)} of identifiers, since all its whole numbers differ; write `ignore: "
            f"{_in_yaml(found)}`, or name quantities all the same under `numeric`."
        )


def _refuse_identifiers(frame: "DataFrame", names: Sequence[str]) -> None:
    def looks_so(column: "Series") -> bool:
        different = column.nunique()
        return bool(different > IDENTIFIER_FROM and different > column.notna().sum() / 2)

    found = [name for name in names if looks_so(frame[name])]
    if found:
        raise BadData(
            f"{_listed(found)} of identifiers or free text, since more than half of the values differ; write "
            f"`ignore: {_in_yaml(found)}`, or name what are categories all the same under `categorical`."
        )


def _listed(names: Sequence[str]) -> str:
    quoted = ", ".join(repr(name) for name in names)
    return f"the column {quoted} is" if len(names) == 1 else f"the columns {quoted} are"


def _in_yaml(names: Sequence[object]) -> str:
    return f"[{', '.join(repr(str(name)) for name in names)}]"
