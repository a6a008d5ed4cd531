"""From a table's file to tensors: read, split, and encoded by what the training rows say."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tuner.data.batches import Batch
from tuner.data.tabular.columns import Task, check_target, decide_task, find_column, sort_columns
from tuner.data.tabular.encoding import Scaling, encode
from tuner.data.tabular.labels import Labels
from tuner.data.tabular.reading import read_table
from tuner.data.tabular.splits import Rows, cut_fold, split_groups, split_in_time, split_rows
from tuner.errors import BadData

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_folder: ContextVar[Path | None] = ContextVar("folder of prepared tables", default=None)


@dataclass(frozen=True)
class TableOptions:
    """What decides a prepared table beside the file: the arguments of `Table` that are named likewise."""

    path: Path
    target: str
    task: Literal["auto", "classification", "regression"]
    ignore: tuple[str, ...]
    categorical: tuple[str, ...]
    missing: tuple[str, ...]
    separator: str
    group: str | None
    time: str | None
    val_share: float
    test_share: float
    split_seed: int
    scaling: Scaling
    train_on_all: bool = False
    numeric: tuple[str, ...] = ()
    fold: int | None = None
    folds: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A table made ready: its parts, the names of its features, and what its target is.

    `classes` are the names of the classes, in the order of their numbers, and none for a quantity, which is
    given as (value - `target_mean`) / `target_scale`. `encoder` is what turns new rows into features, with
    the name of the target and of its classes, as plain data. `columns` are all of the file.
    """

    parts: Mapping[str, Batch]
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    target_mean: float = 0.0
    target_scale: float = 1.0
    encoder: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def share_tables(folder: Path | None) -> None:
    """Let the trainings of a study, each in a process of its own, share prepared tables in `folder`."""
    _folder.set(folder)


def prepare_table(options: TableOptions) -> Prepared:
    """Read, split and encode a table, or take what another training has made of the same file.

    Raises:
        BadData: says in one sentence what is wrong with the file.
    """
    folder = _folder.get()
    try:
        if folder is None or not options.path.exists():
            return _prepare(options)
        shared = folder / f"{_key(options)}.pt"
        if shared.exists():
            return _load(shared)
        made = _prepare(options)
    except BadData as error:
        raise BadData(f"{options.path}: {error}") from error
    _save(made, shared)
    return made


def _key(options: TableOptions) -> str:
    """Name a file and what is done with it, so that a file that has changed has another name."""
    state = options.path.stat()
    said = repr((options, options.path.absolute(), state.st_mtime_ns, state.st_size))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _save(made: Prepared, path: Path) -> None:
    """Write a prepared table, whole or not at all; a disk that is full costs the others some time only."""
    with suppress(OSError, RuntimeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            written = Path(folder) / path.name
            torch.save({part.name: getattr(made, part.name) for part in fields(made)}, written)
            written.replace(path)


def _load(path: Path) -> Prepared:
    # Mapped, so that trainings beside each other share the memory too.
    return Prepared(**torch.load(path, mmap=True, weights_only=True))


def _prepare(options: TableOptions) -> Prepared:
    frame = read_table(options.path, separator=options.separator, missing=options.missing)
    named = {"target": (options.target,), "ignore": options.ignore}
    named |= {"categorical": options.categorical, "numeric": options.numeric}
    named |= {key: (name,) for key, name in (("group", options.group), ("time", options.time)) if name}
    for argument, names in named.items():
        for name in names:
            find_column(frame, name, argument)
    target = frame[options.target]
    task: Task = decide_task(target) if options.task == "auto" else options.task
    check_target(target, task)
    apart = {options.target, options.group, options.time, *options.ignore}
    learnt = [name for name in frame.columns if name not in apart]
    columns = sort_columns(frame, learnt, options.categorical, options.numeric, options.ignore)
    labels = Labels.of(target) if task == "classification" else None
    rows = _split(frame, labels, options)
    if options.train_on_all:
        rows = {**rows, "train": np.arange(len(frame))}
    x, features, encoder = encode(frame, columns, rows, options.scaling)
    every = tuple(map(str, frame.columns))
    state = {"target": options.target, "classes": [] if labels is None else list(labels.names), **encoder}
    if labels is not None:
        labels.refuse_absent(rows["train"])
        return Prepared(
            _parts(x, torch.tensor(labels.codes), rows), features, labels.names, encoder=state, columns=every
        )
    quantities = target.to_numpy(dtype=np.float64)
    mean, scale = float(quantities[rows["train"]].mean()), float(quantities[rows["train"]].std())
    if scale == 0:
        raise BadData(f"the target {target.name!r} has one value in training; split otherwise.")
    y = torch.tensor((quantities - mean) / scale, dtype=torch.float32)
    return Prepared(_parts(x, y, rows), features, (), mean, scale, state, every)


def _parts(x: Mapping[str, NDArray[np.float32]], y: Tensor, rows: Rows) -> dict[str, Batch]:
    return {part: (torch.from_numpy(x[part]), y[chosen]) for part, chosen in rows.items()}


def _split(frame: "DataFrame", labels: Labels | None, options: TableOptions) -> Rows:
    import pandas as pd

    shares = {"val_share": options.val_share, "test_share": options.test_share}
    if options.group is not None:
        if frame[options.group].isna().any():
            raise BadData(f"some rows have no {options.group!r}, by which they are grouped; fill it in.")
        groups = pd.factorize(frame[options.group])[0]
        return _folded(split_groups(groups, **shares, seed=options.split_seed), options, groups=groups)
    if options.time is not None:
        return split_in_time(_as_times(frame[options.time]), **shares)
    rows = split_rows(len(frame), labels=labels, **shares, seed=options.split_seed)
    return _folded(rows, options, labels=labels)


def _folded(rows: Rows, options: TableOptions, **by: Any) -> Rows:
    if options.fold is None or options.folds is None:
        return rows
    return cut_fold(rows, options.fold, options.folds, **by, seed=options.split_seed)


def _as_times(column: "Series") -> NDArray[Any]:
    import pandas as pd

    is_number = pd.api.types.is_numeric_dtype(column)
    times = column if is_number else pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    if times.isna().any():
        raise BadData(
            f"the column {column.name!r}, which `time` names, holds {str(column[times.isna()].iloc[0])!r}; "
            f"every row needs a number or an ISO 8601 date, such as 2024-05-31."
        )
    return np.asarray(times)
