"""The encoder of a table as plain data: it travels in a checkpoint, and turns new rows into features.

What scikit-learn's transformers have estimated on the training rows is read off them, so that a checkpoint
holds numbers and texts only, which any version reads.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Array = NDArray[np.float64]

MISSING = "(missing)"  # the category of what is not known
_SHOWN = 3  # values that are named
_UNKNOWN = -1  # a code that no category has
_TRUTHS = {"True": 1.0, "False": 0.0, "true": 1.0, "false": 0.0, "TRUE": 1.0, "FALSE": 0.0}


def written(encoder: ColumnTransformer, words: Mapping[str, list[str]]) -> dict[str, Any]:
    """Write a fitted encoder as plain data.

    Args:
        encoder: of numbers, of gaps in them, and of categories, whose codes are places in `words`.
        words: what the codes of each category stand for.
    """
    import pandas as pd

    numbers, missing = encoder.named_transformers_["number"], encoder.named_transformers_["missing"]
    one_hot: OneHotEncoder = encoder.named_transformers_["category"]
    numeric: dict[str, Any] = {}
    if hasattr(numbers, "steps"):  # there is a column of numbers
        imputer, scaler = (step for _, step in numbers.steps)
        for place, name in enumerate(imputer.feature_names_in_):
            numeric[str(name)] = {"median": float(imputer.statistics_[place]), **_scaling(scaler, place)}
    marked = [list(numeric)[place] for place in getattr(missing, "features_", ())]
    categories: dict[str, Any] = {}
    ends = np.cumsum([0, *(_features_of(one_hot, column) for column in range(len(words)))])
    for place, name in enumerate(words):
        codes = pd.DataFrame({other: [_UNKNOWN] for other in words}, index=range(len(words[name]) + 1))
        codes[name] = [*range(len(words[name])), _UNKNOWN]
        coded = one_hot.transform(codes)[:, ends[place] : ends[place + 1]]
        columns = [int(row.argmax()) if row.any() else _UNKNOWN for row in coded]
        known = {
            word: column
            for word, column in zip(words[name], columns[:-1], strict=True)
            if column != columns[-1]
        }
        categories[name] = {"words": known, "other": columns[-1], "features": int(coded.shape[1])}
    return {"numeric": numeric, "marked": marked, "categorical": categories}


def encoded(state: Mapping[str, Any], frame: "DataFrame") -> NDArray[np.float32]:
    """Turn rows into features, as the training rows were.

    Args:
        state: as `written` gives it.
        frame: has every column that was learnt from; others are passed over.

    Returns: `(rows, features)`.

    Raises:
        BadData: a column is missing, or holds what is no number where numbers were learnt from.
    """
    absent = [name for name in (*state["numeric"], *state["categorical"]) if name not in frame.columns]
    if absent:
        listed = ", ".join(map(repr, absent))
        raise BadData(
            f"there is no column {listed}, from which was learnt; give every row a value or leave it empty."
        )
    numbers = {name: numbers_of(frame[name]) for name in state["numeric"]}
    parts = [_scaled(numbers[name], how)[:, None] for name, how in state["numeric"].items()]
    parts += [np.isnan(numbers[name]).astype(float)[:, None] for name in state["marked"]]
    for name, how in state["categorical"].items():
        places = np.array([how["words"].get(word_of(value), how["other"]) for value in frame[name]])
        parts.append((places[:, None] == np.arange(how["features"])).astype(float))
    return np.concatenate(parts, axis=1).astype(np.float32)


def strange_values(state: Mapping[str, Any], frame: "DataFrame") -> list[str]:
    """Say which values of new rows the training rows did not have; arguments and errors as `encoded`'s.

    A gap in numbers that had none is filled with the median. A category that is none counts with those that
    were too rare to stand alone, where some were, and else as no category.
    """
    found = []
    for name in state["numeric"]:
        gaps = int(np.isnan(numbers_of(frame[name])).sum())
        if gaps and name not in state["marked"]:
            found.append(
                f"{name}: {gaps} of the rows {'is' if gaps == 1 else 'are'} empty, and no training row was; "
                "the median is taken"
            )
    for name, how in state["categorical"].items():
        words = [word_of(value) for value in frame[name]]
        strange = [word for word in words if word not in how["words"]]
        if strange:
            had = "no training row" if how["other"] == _UNKNOWN else "few training rows or none"
            listed = ", ".join(map(repr, list(dict.fromkeys(strange))[:_SHOWN]))
            found.append(
                f"{name}: {len(strange)} of the rows {'holds' if len(strange) == 1 else 'hold'} a value that "
                f"{had} had, such as {listed}"
            )
    return found


def numbers_of(column: "Series") -> Array:
    """Give a column as numbers, true and false as 1 and 0, what is missing as NaN.

    Raises:
        BadData: it holds something else.
    """
    import pandas as pd

    if column.dtype == object or pd.api.types.is_string_dtype(column):
        column = column.map(lambda value: _TRUTHS.get(str(value), value), na_action="ignore")
    numbers: Array = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if len(wrong):
        raise BadData(
            f"the column {column.name!r} was learnt from as numbers, but row {wrong[0] + 1} holds "
            f"{column.iloc[wrong[0]]!r}; write a number, or leave it empty."
        )
    if np.isinf(numbers).any():
        raise BadData(
            f"the column {column.name!r} holds infinite numbers; write a number, or leave it empty."
        )
    return numbers


def word_of(value: object) -> str:
    """Name a category, the same whether a file's column holds whole numbers or has gaps beside them."""
    import pandas as pd

    if pd.isna(value):
        return MISSING
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _scaling(scaler: Any, place: int) -> dict[str, Any]:
    if isinstance(scaler, QuantileTransformer):
        return {"quantiles": scaler.quantiles_[:, place].tolist(), "references": scaler.references_.tolist()}
    return {"mean": float(scaler.mean_[place]), "scale": float(scaler.scale_[place])}


def _scaled(numbers: Array, how: Mapping[str, Any]) -> Array:
    filled = np.where(np.isnan(numbers), how["median"], numbers)
    if "mean" in how:
        scaled: Array = (filled - how["mean"]) / how["scale"]
        return scaled
    quantiles, references = np.array(how["quantiles"]), np.array(how["references"])
    # As QuantileTransformer does: from both sides, where several quantiles are equal, then clipped.
    ranks = 0.5 * (
        np.interp(filled, quantiles, references) - np.interp(-filled, -quantiles[::-1], -references[::-1])
    )
    ranks = np.where(filled <= quantiles[0], 0.0, np.where(filled >= quantiles[-1], 1.0, ranks))
    bounds = norm.ppf(1e-7 - np.spacing(1)), norm.ppf(1 - (1e-7 - np.spacing(1)))
    normal: Array = np.clip(norm.ppf(ranks), *bounds)
    return normal


def _features_of(one_hot: OneHotEncoder, column: int) -> int:
    infrequent = one_hot.infrequent_categories_[column]
    return len(one_hot.categories_[column]) - (0 if infrequent is None else len(infrequent) - 1)
