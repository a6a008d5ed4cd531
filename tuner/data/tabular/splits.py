"""Which rows are for training, for validation and for testing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, StratifiedKFold, train_test_split

from tuner.data.tabular.labels import Labels
from tuner.errors import BadData

Rows = dict[str, NDArray[np.intp]]  # of the parts "train", "val" and "test"


def split_rows(
    rows: int,
    *,
    val_share: float = 0.2,
    test_share: float = 0.2,
    labels: Labels | None = None,
    seed: int = 0,
) -> Rows:
    """Draw the rows of each part at random.

    Args:
        rows: how many there are.
        val_share: share of the rows for validation, above 0.
        test_share: share of the rows for testing, above 0; the two are together below 1.
        labels: of every row; each part holds every class in proportion.
        seed: alone decides which rows are drawn.

    Returns:
        The numbers of the rows of each part, in random order.

    Raises:
        BadData: a class has too few rows to be in every part, or there are too few rows.
    """
    needed = _needed(val_share, test_share)
    if rows < needed:
        raise BadData(f"there are {rows} rows, but three parts need at least {needed}; add rows.")
    if labels is not None:
        labels.refuse_rare(needed)
    strata = None if labels is None else labels.codes
    train, held_out = train_test_split(
        np.arange(rows), test_size=val_share + test_share, stratify=strata, random_state=seed
    )
    val, test = train_test_split(
        held_out,
        test_size=test_share / (val_share + test_share),
        stratify=None if strata is None else strata[held_out],
        random_state=seed,
    )
    return {"train": train, "val": val, "test": test}


def split_groups(
    groups: NDArray[Any], *, val_share: float = 0.2, test_share: float = 0.2, seed: int = 0
) -> Rows:
    """Draw whole groups for each part, so that no group is in two of them.

    Args:
        groups: `(rows,)`; the rows with one value are a group.
        val_share: share of the groups for validation, above 0.
        test_share: share of the groups for testing, above 0; the two are together below 1.
        seed: alone decides which groups are drawn.

    Raises:
        BadData: there are too few groups.
    """
    found, needed = len(np.unique(groups)), _needed(val_share, test_share)
    if found < needed:
        raise BadData(f"there are {found} groups, but three parts need at least {needed}; group more finely.")
    rows = np.arange(len(groups))
    outer = GroupShuffleSplit(1, test_size=val_share + test_share, random_state=seed)
    train, held_out = next(outer.split(rows, groups=groups))
    inner = GroupShuffleSplit(1, test_size=test_share / (val_share + test_share), random_state=seed)
    val, test = next(inner.split(held_out, groups=groups[held_out]))
    return {"train": train, "val": held_out[val], "test": held_out[test]}


def split_in_time(times: NDArray[Any], *, val_share: float = 0.2, test_share: float = 0.2) -> Rows:
    """Put the earliest rows into training, the next into validation and the latest into testing.

    Args:
        times: `(rows,)`, anything that can be ordered; rows of one time stay together.
        val_share: share of the rows for validation, above 0.
        test_share: share of the rows for testing, above 0; the two are together below 1.

    Raises:
        BadData: so many rows have one time that a part would be empty.
    """
    ordered = np.sort(times)
    val_begins = ordered[round(len(times) * (1 - val_share - test_share))]
    test_begins = ordered[min(round(len(times) * (1 - test_share)), len(times) - 1)]
    parts = {
        "train": times < val_begins,
        "val": (times >= val_begins) & (times < test_begins),
        "test": times >= test_begins,
    }
    rows = {part: np.flatnonzero(chosen) for part, chosen in parts.items()}
    empty = [part for part, chosen in rows.items() if not len(chosen)]
    if empty:
        raise BadData(
            f"too many rows have the same time, so that the {empty[0]} part would be empty; "
            f"give times that tell the rows apart."
        )
    return rows


def cut_fold(
    rows: Rows,
    fold: int,
    folds: int,
    *,
    labels: Labels | None = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> Rows:
    """Validate on one of several folds of the rows for training and validation; the test part stays as it is.

    Args:
        rows: of each part.
        fold: which fold is for validation, counted from 0; the others are for training.
        folds: how many there are.
        labels: of every row; each fold holds every class in proportion.
        groups: of every row; the rows of one group stay in one fold.
        seed: alone decides which rows are in which fold.

    Raises:
        BadData: there are too few rows, rows of a class, or groups.
    """
    both = np.sort(np.concatenate([rows["train"], rows["val"]]))
    classes = None if labels is None else labels.codes[both]
    count, what, kind = len(both), "rows", KFold
    if groups is not None:
        count, what, kind = len(np.unique(groups[both])), "groups", GroupKFold
    elif labels is not None:
        counts = np.bincount(labels.codes[both], minlength=len(labels.names))
        rarest = int(counts.argmin())
        count, what = int(counts[rarest]), f"rows of the class {labels.names[rarest]!r}"
        kind = StratifiedKFold
    if count < folds:
        raise BadData(
            f"there are {count} {what} outside of the test part, but {folds} folds need at least as many; "
            "take fewer folds."
        )
    splitter = kind(folds, shuffle=True, random_state=seed)
    cuts = list(splitter.split(both, classes, None if groups is None else groups[both]))
    train, val = cuts[fold]
    return {"train": both[train], "val": both[val], "test": rows["test"]}


def _needed(val_share: float, test_share: float) -> int:
    # Of so many rows the smaller part gets one; rounded first, because 1 / 0.2 need not be 5.
    return max(3, int(np.ceil(round(1 / min(val_share, test_share), 9))))
