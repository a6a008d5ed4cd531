"""A user's own table: a CSV or Parquet file, of which one column is to be predicted from the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from tuner.data.parts import PartsHooks
from tuner.data.tabular.encoding import Scaling
from tuner.data.tabular.prepared_table import Prepared, TableOptions, prepare_table

Names = str | Sequence[str]


class TableHooks(PartsHooks):
    """The rows of a CSV or Parquet file: float32 features, and the target that is to be predicted from them.

    The rows are split into a training, a validation and a test part: by `group` if it is given, so that no
    group is in two parts; by `time` if it is given, the latest for testing; else at random, and for a
    classification with every class in proportion. Whatever is estimated is estimated on the training part
    alone: the medians that stand for missing numbers, scales, categories, class weights. Text, true and false
    and up to 20 different whole numbers in the target make a classification, other numbers a regression.

    A batch holds features `(batch, features)` and classes `(batch,)` in 0 .. classes - 1, in the order of
    their values, or quantities `(batch,)`, standardized. After `setup`, `features`, `feature_names`,
    `classes` (None in a regression), `class_names`, `loss_weights`, `target_mean` and `target_scale` tell
    modules what they need to know.

    Args:
        path: the file; Parquet if it is called `*.parquet` or `*.pq`, else CSV with the names of the columns
            in its first line.
        target: the column to predict.
        task: `classification` or `regression`; `auto` lets the target decide.
        ignore: columns to leave out; of one the name will do, here and below.
        categorical: columns that are categories though they hold numbers.
        missing: words that mean "not known" in a CSV file, such as `?`, beside the usual ones.
        separator: what stands between the fields of a CSV file.
        group: a column, such as a patient, whose rows with one value stay in one part; not learnt from.
        time: a column of numbers or ISO 8601 dates by which the parts follow one another; not learnt from.
        val_share, test_share: shares of the rows, or of the groups, each above 0 and together below 1.
        split_seed: alone decides how the rows are split at random.
        batch_size: rows of a training batch.
        class_weights: `balanced` lets every class count alike in the loss, by weights in inverse proportion
            to its rows in training.
        scaling: how numbers are scaled, as `encode` describes it.
        train_on_all: whether the rows of all parts are trained on, as `tuner retrain --all-data` asks; the
            scores of the others then say nothing.
        fold, folds: which of how many folds of the rows outside of the test part is for validation, counted
            from 0, in the place of `val_share`; a study with `repeats: {folds: 5}` gives both.
        numeric: columns of whole numbers that are quantities though they look like identifiers.

    Raises:
        ValueError: `batch_size` is below 1, the shares or the folds are none, or of `group`, `time` and
            `folds` two are given that do not go together.
        BadData: in `setup`, whatever is wrong with the file.
    """

    def __init__(  # noqa: PLR0917 - LightningCLI gives them by name
        self,
        path: str,
        target: str,
        task: Literal["auto", "classification", "regression"] = "auto",
        ignore: Names = (),
        categorical: Names = (),
        missing: Names = (),
        separator: str = ",",
        group: str | None = None,
        time: str | None = None,
        val_share: float = 0.2,
        test_share: float = 0.2,
        split_seed: int = 0,
        batch_size: int = 128,
        class_weights: Literal["none", "balanced"] = "none",
        scaling: Scaling = "standard",
        *,
        train_on_all: bool = False,
        numeric: Names = (),
        fold: int | None = None,
        folds: int | None = None,
    ) -> None:
        super().__init__(batch_size)
        if not (val_share > 0 and test_share > 0 and val_share + test_share < 1):
            raise ValueError(
                f"val_share and test_share must each be above 0 and together below 1, but got "
                f"val_share={val_share}, test_share={test_share}; 0.2 and 0.2 are usual"
            )
        if group is not None and time is not None:
            raise ValueError(
                f"a table is split by group or by time, but got group={group!r} and time={time!r}; "
                f"leave one out"
            )
        _check_folds(fold, folds, time)
        self.options = TableOptions(
            Path(path).expanduser(),
            target,
            task,
            _names(ignore),
            _names(categorical),
            _names(missing),
            separator,
            group,
            time,
            val_share,
            test_share,
            split_seed,
            scaling,
            train_on_all,
            _names(numeric),
            fold,
            folds,
        )
        self.weights = class_weights
        self.prepared: Prepared | None = None

    def load(self, stage: str) -> None:
        """Read, split and encode the table, once for all stages."""
        if self.prepared is None:
            self.prepared = prepare_table(self.options)
            self.parts = dict(self.prepared.parts)

    def state_dict(self) -> dict[str, Any]:
        """Give the encoder, which stands in every checkpoint and turns new rows into features."""
        return {} if self.prepared is None else {"encoder": dict(self.prepared.encoder)}

    @property
    def features(self) -> int:
        """The number of features, which is the width of a batch."""
        return len(self.feature_names)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of each feature: its column, and behind a `_` its category."""
        return self._known().feature_names

    @property
    def classes(self) -> int | None:
        """The number of classes; None in a regression."""
        return len(self.class_names) or None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class, by its number; none in a regression."""
        return self._known().classes

    @property
    def loss_weights(self) -> Tensor | None:
        """The weight of each class in the loss, `(classes,)`: one on average over the rows; or None."""
        if self.weights == "none" or self.classes is None:
            return None
        counts = torch.bincount(self.parts["train"][1], minlength=self.classes)
        return counts.sum() / (self.classes * counts)

    @property
    def target_mean(self) -> float:
        """The mean of the target in training, in its own unit; 0 in a classification."""
        return self._known().target_mean

    @property
    def target_scale(self) -> float:
        """The standard deviation of the target in training, in its own unit; 1 in a classification."""
        return self._known().target_scale

    def _known(self) -> Prepared:
        if self.prepared is None:
            raise RuntimeError("the table has not been read yet; call setup('fit') first")
        return self.prepared


def _check_folds(fold: int | None, folds: int | None, time: str | None) -> None:
    if fold is None and folds is None:
        return
    if fold is None or folds is None or not 0 <= fold < folds or folds < 2:  # noqa: PLR2004
        raise ValueError(
            f"fold and folds are given together, with 0 <= fold < folds and at least 2 folds, but got "
            f"fold={fold}, folds={folds}"
        )
    if time is not None:
        raise ValueError(
            f"a table that is split by time={time!r} has one validation part and no folds; leave one out, or "
            "repeat trials on seeds: `repeats: {seeds: 3}`"
        )


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


class Table(TableHooks, LightningDataModule):
    """Hand out the rows of a table, as `TableHooks` does, to a trainer of `pytorch_lightning`."""
