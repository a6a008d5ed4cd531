"""From the columns of a table to numbers, by what the training rows say."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from tuner.data.tabular.columns import Columns
from tuner.data.tabular.encoder import word_of, written
from tuner.data.tabular.splits import Rows
from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Scaling = Literal["standard", "quantile"]

CATEGORIES_AT_MOST = 100  # a column; the rarest beyond share one feature
INFREQUENT = "(infrequent)"  # in the names of features


def encode(
    frame: "DataFrame", columns: Columns, rows: Rows, scaling: Scaling = "standard"
) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...], dict[str, Any]]:
    """Turn a table into numbers; everything that has to be estimated is estimated on the training rows.

    A number that is missing becomes the median and is marked by a feature of its own, if the column has gaps
    in training; then numbers are scaled. A category becomes one feature for each of its values, a missing
    one among them; a value beyond the 100 most frequent shares a feature with the others, and a value that
    training does not know has none.

    Args:
        frame: the table.
        columns: those to learn from.
        rows: of each part.
        scaling: `standard` to mean 0 and standard deviation 1; `quantile` to the quantiles of a normal
            distribution, which long tails and outliers do not stretch.

    Returns:
        The numbers of each part, `(rows, features)`, the names of the features, the encoder as plain data.

    Raises:
        BadData: a column holds infinite numbers.
    """
    import pandas as pd

    numbers = pd.DataFrame({name: _as_numbers(frame[name]) for name in columns.numeric})
    codes, words = {}, {}
    for name in columns.categorical:
        # Codes, because looking at each of a million words takes the encoder seconds.
        column = frame[name]
        comparable = column.map(str, na_action="ignore") if column.dtype == object else column
        codes[name], found = pd.factorize(comparable, sort=True, use_na_sentinel=False)
        words[name] = [word_of(word) for word in found]

    def name_category(column: str, category: object) -> str:
        return f"{column}={words[column][category] if isinstance(category, int | np.integer) else INFREQUENT}"

    scaler = StandardScaler() if scaling == "standard" else _normal_scores(len(rows["train"]))
    median = SimpleImputer(strategy="median", keep_empty_features=True)
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=CATEGORIES_AT_MOST,
        sparse_output=False,
        dtype=np.float32,
        feature_name_combiner=name_category,
    )
    encoder = ColumnTransformer(
        [
            ("number", make_pipeline(median, scaler), list(columns.numeric)),
            ("missing", MissingIndicator(error_on_new=False), list(columns.numeric)),
            ("category", categories, list(columns.categorical)),
        ],
        sparse_threshold=0.0,
        verbose_feature_names_out=False,
    )
    table = pd.concat([numbers, pd.DataFrame(codes)], axis="columns")
    train = encoder.fit_transform(table.iloc[rows["train"]])
    held_out = {part: encoder.transform(table.iloc[rows[part]]) for part in ("val", "test")}
    parts = {part: x.astype(np.float32) for part, x in ({"train": train} | held_out).items()}
    return parts, tuple(encoder.get_feature_names_out()), written(encoder, words)


def _as_numbers(column: "Series") -> NDArray[np.float64]:
    import pandas as pd

    numbers: NDArray[np.float64] = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise BadData(
            f"the column {column.name!r} holds infinite numbers; write `missing: ['inf', '-inf']` if these "
            f"mean that it is not known."
        )
    return numbers


def _normal_scores(rows: int) -> QuantileTransformer:
    return QuantileTransformer(
        n_quantiles=min(1000, rows), output_distribution="normal", subsample=100_000, random_state=0
    )
